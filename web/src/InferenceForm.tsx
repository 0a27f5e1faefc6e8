import { type FormEvent, useState } from 'react';
import type { Configuration } from './configuration';
import { ask, type Inquiry, type Outcome } from './inference';
import { OutcomeView } from './OutcomeView';
import { askStreamed } from './stream';

const SAMPLE: Inquiry = { partner: 'Apple', year: 2023, period: 'Q1', question: 'What was the revenue?' };

/** The form and the last outcome; what was typed stays, whatever becomes of it. */
export function InferenceForm({ configuration: { apiUrl, stream } }: { configuration: Configuration }) {
  const [inquiry, setInquiry] = useState(SAMPLE);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const [streams, setStreams] = useState(false);
  const change = (part: Partial<Inquiry>) => setInquiry({ ...inquiry, ...part });

  async function submit(event: FormEvent) {
    event.preventDefault();
    setIsAsking(true);
    try {
      const show = (answer: string) => setOutcome({ kind: 'answer', answer: { answer }, timings: [] });
      setOutcome(stream && streams ? await askStreamed(stream.url, stream.region, inquiry, show) : await ask(apiUrl, inquiry));
    } finally {
      setIsAsking(false);
    }
  }

  return (
    <>
      <form onSubmit={submit} aria-busy={isAsking}>
        <label>
          Company
          <input name="partner" value={inquiry.partner} onChange={(event) => change({ partner: event.target.value })} required />
        </label>
        <label>
          Fiscal year
          <input name="year" type="number" value={inquiry.year} onChange={(event) => change({ year: Number(event.target.value) })} required />
        </label>
        <label>
          Period
          <select name="period" value={inquiry.period} onChange={(event) => change({ period: event.target.value })}>
            {['Q1', 'Q2', 'Q3', 'Q4', 'FY'].map((period) => (
              <option key={period}>{period}</option>
            ))}
          </select>
        </label>
        <label className="wide">
          Question
          <input name="question" value={inquiry.question} onChange={(event) => change({ question: event.target.value })} required />
        </label>
        {stream && (
          <label className="switch wide">
            <input name="streams" type="checkbox" checked={streams} onChange={(event) => setStreams(event.target.checked)} /> Show the answer as it comes
          </label>
        )}
        <button type="submit" disabled={isAsking}>
          {isAsking ? 'Asking…' : 'Ask'}
        </button>
      </form>
      <OutcomeView outcome={outcome} isAsking={isAsking} />
    </>
  );
}
