import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Configuration } from './configuration';
import { ask, type Outcome } from './inference';
import { OutcomeView } from './OutcomeView';
import { askStreamed } from './stream';

/** As typed: the year is text until it is sent, so that the field can be emptied. */
const SAMPLE = { partner: 'Apple', year: '2023', period: 'Q1', question: 'What was the revenue?' };

/** The form and the last outcome; what was typed stays, whatever the outcome. */
export function InferenceForm({ configuration: { apiUrl, stream } }: { configuration: Configuration }) {
  const [typed, setTyped] = useState(SAMPLE);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const [streams, setStreams] = useState(false);
  const controller = useRef<AbortController | null>(null);
  // Nobody reads an answer any longer once the form is gone, for example after a sign-out.
  useEffect(() => () => controller.current?.abort(), []);
  const change = (part: Partial<typeof SAMPLE>) => setTyped({ ...typed, ...part });

  async function submit(event: FormEvent) {
    event.preventDefault();
    const { signal } = (controller.current = new AbortController());
    setIsAsking(true);
    setOutcome(null);
    const inquiry = { ...typed, year: Number(typed.year) };
    const show = (text: string) => setOutcome({ kind: 'answer', answer: { text, sources: [] }, timings: [] });
    try {
      setOutcome(stream && streams ? await askStreamed(stream, inquiry, show, signal) : await ask(apiUrl, inquiry, signal));
    } finally {
      setIsAsking(false);
    }
  }

  return (
    <>
      <form className="inference-form" onSubmit={submit} aria-busy={isAsking}>
        <label className="field">
          Company
          <input className="control" name="partner" value={typed.partner} onChange={(event) => change({ partner: event.target.value })} required />
        </label>
        <label className="field">
          Fiscal year
          <input className="control" name="year" type="number" step="1" value={typed.year} onChange={(event) => change({ year: event.target.value })} required />
        </label>
        <label className="field">
          Period
          <select className="control" name="period" value={typed.period} onChange={(event) => change({ period: event.target.value })}>
            {['Q1', 'Q2', 'Q3', 'Q4', 'FY'].map((period) => (
              <option key={period}>{period}</option>
            ))}
          </select>
        </label>
        <label className="field field-wide">
          Question
          <input className="control" name="question" value={typed.question} onChange={(event) => change({ question: event.target.value })} required />
        </label>
        {stream && (
          <label className="field-switch field-wide">
            <input name="streams" type="checkbox" checked={streams} onChange={(event) => setStreams(event.target.checked)} /> Show the answer while it is being written
          </label>
        )}
        <div className="actions field-wide">
          <button type="submit" className="button" disabled={isAsking}>
            {isAsking ? 'Asking…' : 'Ask'}
          </button>
          {isAsking && (
            <button type="button" className="button button-quiet" onClick={() => controller.current?.abort()}>
              Stop
            </button>
          )}
        </div>
      </form>
      <OutcomeView outcome={outcome} isAsking={isAsking} />
    </>
  );
}
