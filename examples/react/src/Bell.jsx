export function Bell({ unread }) {
  const count = unread > 99 ? "99+" : unread;
  return (
    <a className="bell" href="#inbox" aria-label={`Notifications, ${count} unread`}>
      <span aria-hidden="true">🔔</span>
      {unread > 0 && <b aria-hidden="true">{count}</b>}
    </a>
  );
}
