import type { Outcome } from './inference';

/** The outcome of the last question; screen readers announce it when it is complete. */
export function OutcomeView({ outcome, isAsking }: { outcome: Outcome | null; isAsking: boolean }) {
  return (
    <section className="outcome" aria-label="Answer" aria-live="polite" aria-busy={isAsking}>
      {isAsking && !outcome && <p className="note">Waiting for the answer…</p>}
      {outcome?.kind === 'answer' && <AnswerView outcome={outcome} />}
      {outcome?.kind === 'stopped' && <StoppedView outcome={outcome} />}
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

/** Nothing tells a function that its caller has left, so the page must not promise that the work ends. */
function StoppedView({ outcome }: { outcome: Extract<Outcome, { kind: 'stopped' }> }) {
  return (
    <>
      {outcome.partial && <p className="answer">{outcome.partial}</p>}
      <div className="notice">
        <p>
          <strong>Stopped.</strong> {outcome.partial ? 'The answer above is not complete.' : 'No part of the answer had arrived.'} This page no longer waits for it.
        </p>
        <p>The function that answers is not told of this: it may go on until its answer is complete or its time is up.</p>
      </div>
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
