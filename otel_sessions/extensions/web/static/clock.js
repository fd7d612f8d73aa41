// SPDX-License-Identifier: Apache-2.0
// Times in the viewer's zone, as long as they were in UTC, so that nothing moves; the moment in UTC stays in the title.
const two = (number) => String(number).padStart(2, "0");
const time = (moment) => [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":");
const date = (moment) => `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${time(moment)}`;

export function localTimes(root) {
  for (const element of root.querySelectorAll("time[data-clock]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    if (element.dataset.clock === "date") element.textContent = date(moment);
    if (element.dataset.clock === "time") element.textContent = time(moment);
    if (element.dataset.clock === "title") element.title = `${date(moment)} (${element.title})`;
  }
}
