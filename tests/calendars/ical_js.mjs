// Reads calendars, one JSON string per line, and answers each with its events as Thunderbird's engine sees them.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { default: ICAL } = await import(pathToFileURL(process.argv[2]));

function events(text) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  return calendar.getAllSubcomponents("vevent").map((component) => {
    const event = new ICAL.Event(component);
    const ends = [event.startDate, event.endDate];
    return [event.uid, ...ends.map((t) => (t.isDate ? t.toString() : t.toJSDate().toISOString())), event.summary];
  });
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(events(JSON.parse(line))));
