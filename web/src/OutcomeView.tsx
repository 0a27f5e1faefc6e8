import type { Outcome } from './inference';

/** The outcome of the last question; screen readers announce it when it is complete. */
export function OutcomeView({ outcome, isAsking }: { outcome: Outcome | null; isAsking: boolean }) {
  return (
    <section className="outcome" aria-label="Answer" aria-live="polite" aria-busy={isAsking}>
      {isAsking && !outcome && <p className="note">Waiting for the answer…</p>}
      {outcome?.kind === 'answer' && <AnswerView outcome={outcome} />}
      {outcome?.kind === 'failure' && <FailureView outcome={outcome} />}
    </section>
  );
}

function AnswerView({ outcome: { answer, timings } }: { outcome: Extract<Outcome, { kind: 'answer' }> }) {
  return (
    <>
      <p className="answer">{answer.text}</p>
      {answer.sources.length > 0 && (
        <>
          <h2>Sources</h2>
          <ul>
            {answer.sources.map((source, index) => (
              // The sources of an answer do not change, and one URL may stand for several of them.
              // oxlint-disable-next-line react/no-array-index-key
              <li key={index}>
                <a href={source.url} rel="noreferrer">
                  {source.title}
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
      {timings.length > 0 && <p className="note">Time: {timings.map(({ name, milliseconds }) => `${name} ${milliseconds.toFixed(1)} ms`).join(' · ')}</p>}
    </>
  );
}

function FailureView({ outcome }: { outcome: Extract<Outcome, { kind: 'failure' }> }) {
  return (
    <>
      {outcome.partial && <p className="answer">{outcome.partial}</p>}
      <div className="failure">
        <p>
          <strong>{outcome.message}</strong> <code>{outcome.code}</code>
        </p>
        <p>{outcome.hint}</p>
        {outcome.requestId && <p>Request ID: {outcome.requestId}</p>}
      </div>
    </>
  );
}
