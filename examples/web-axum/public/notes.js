const list = document.querySelector("ol");
const form = document.querySelector("form");
const status = document.querySelector("output");

function show({ author, text, at }) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = author;
  const time = document.createElement("small");
  time.textContent = ` ${new Date(at * 1000).toLocaleString()}`;
  const said = document.createElement("div");
  said.textContent = text;
  item.append(name, time, said);
  list.prepend(item);
}

// Listening begins before reading, so that no note falls between the two; notes seen twice are shown once.
const seen = new Set();
function showOnce(note) {
  const key = JSON.stringify(note);
  if (seen.has(key)) return;
  seen.add(key);
  show(note);
}

new EventSource("/api/events").addEventListener("note", (event) => showOnce(JSON.parse(event.data)));
for (const note of await (await fetch("/api/notes")).json()) showOnce(note);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const note = Object.fromEntries(new FormData(form));
  const answer = await fetch("/api/notes", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(note),
  });
  status.textContent = answer.ok ? "" : (await answer.json()).error;
  if (answer.ok) form.elements.text.value = "";
});
