import type { Outcome } from './inference';

/** What became of the last question. */
export function OutcomeView({ outcome, isAsking }: { outcome: Outcome | null; isAsking: boolean }) {
  return (
    <section className="outcome" aria-live="polite" data-asking={isAsking}>
      {outcome?.kind === 'answer' && <AnswerView outcome={outcome} />}
      {outcome?.kind === 'failure' && <FailureView outcome={outcome} />}
    </section>
  );
}

function AnswerView({ outcome }: { outcome: Extract<Outcome, { kind: 'answer' }> }) {
  const sources = outcome.answer.meta?.sources ?? [];
  return (
    <>
      <p className="answer">{outcome.answer.answer}</p>
      {sources.length > 0 && (
        <ul className="sources" aria-label="Sources">
          {sources.map((source) => (
            <li key={source.url}>
              <a href={source.url} rel="noreferrer">
                {source.title}
              </a>
            </li>
          ))}
        </ul>
      )}
      <p className="timings">{outcome.timings.map(({ name, milliseconds }) => `${name} ${milliseconds.toFixed(1)} ms`).join(' · ')}</p>
    </>
  );
}

function FailureView({ outcome }: { outcome: Extract<Outcome, { kind: 'failure' }> }) {
  return (
    <div className="failure" role="alert">
      <p>
        <strong>{outcome.message}</strong> <code>{outcome.code}</code>
      </p>
      <p>{outcome.hint}</p>
      {outcome.requestId && <p className="timings">Request {outcome.requestId}</p>}
    </div>
  );
}
