"use strict";
// Times in the reader's zone; the exact time in UTC stays in the title.
for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  time.textContent = at.toLocaleString(document.documentElement.lang, {
    dateStyle: "medium",
    timeStyle: time.hasAttribute("data-day") ? undefined : "short",
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const status = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = source.value ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without https there is no clipboard: select the text, so that Ctrl-C copies it.
      getSelection().selectAllChildren(source);
      source.select?.();
      return;
    }
    status.textContent = button.dataset.copied;
  });
}

// A second click while the server is slow would drop the answer to the first, and the key in it.
for (const form of document.querySelectorAll("[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.once) event.preventDefault();
    form.dataset.once = "sent";
  });
}

// A key is gone from the page once it is left, so that Back can't show it again.
const gone = document.querySelector("[data-gone]");
addEventListener("pagehide", () => {
  for (const part of document.querySelectorAll("[data-secret]")) part.remove();
  if (gone) gone.hidden = false;
});
addEventListener("pageshow", (event) => {
  if (event.persisted && !gone) location.reload();
});
