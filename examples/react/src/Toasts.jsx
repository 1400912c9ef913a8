import { useToasts } from "./inbox.js";

export function Toasts({ mark }) {
  const [toasts, remove] = useToasts();
  return (
    <section className="toasts" aria-live="polite" aria-label="New notifications">
      {toasts.map((item) => (
        <p key={item.id}>
          <a href={item.url || undefined} onClick={() => mark([item.id], "read")}>
            {item.title}
          </a>
          <button type="button" aria-label={`Dismiss: ${item.title}`} onClick={() => remove([item.id])}>
            ×
          </button>
        </p>
      ))}
    </section>
  );
}
