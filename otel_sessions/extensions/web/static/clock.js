// Times in the viewer's zone; the moment in UTC stays in the title.
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function localTimes(root) {
  for (const element of root.querySelectorAll("time[data-clock]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    if (element.dataset.clock === "date") element.textContent = date.format(moment);
    if (element.dataset.clock === "time") element.textContent = time.format(moment);
    if (element.dataset.clock === "title") element.title = `${date.format(moment)} (${element.title})`;
  }
}
