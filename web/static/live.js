// Says whether the page is live. Without this script, and without htmx, it shows what was so when it was loaded.
(() => {
  const link = document.getElementById("link");
  const say = (state, text) => {
    link.dataset.state = state;
    link.textContent = text;
  };
  say("wait", "connecting");
  document.body.addEventListener("htmx:sseOpen", () => say("live", "live"));
  document.body.addEventListener("htmx:sseError", () => say("lost", "connection lost, trying again"));
})();
