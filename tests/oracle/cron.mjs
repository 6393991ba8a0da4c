// Cron expressions and dates as an independent library reads them: thousands
// that a seed makes, our answers on standard input, disagreements on output.
// With "make" as its argument it writes the questions.
import { createInterface } from "node:readline";
import { Cron } from "croner";

let state = Number(process.env.SEED || 1) >>> 0;
function random(n) {
  // Numerical Recipes' generator: any will do, the same each time.
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}
const pick = (list) => list[random(list.length)];

const ranges = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 6]];
const names = { 3: ["jan", "FEB", "Mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
                4: ["sun", "MON", "Tue", "wed", "thu", "fri", "sat"] };
function value(field) {
  const [low, high] = ranges[field];
  if (names[field] && random(4) === 0) return pick(names[field]);
  return String(low + random(high - low + 1));
}
function range(field) {
  const [low, high] = ranges[field];
  const from = low + random(high - low + 1);
  return `${from}-${from + random(high - from + 1)}`;
}
function part(field) {
  switch (random(5)) {
    case 0: return value(field);
    case 1: return range(field);
    case 2: return `${range(field)}/${1 + random(Math.min(9, ranges[field][1]))}`;
    case 3: return `*/${1 + random(Math.min(20, ranges[field][1]))}`;
    default: return value(field);
  }
}
function field(n) {
  if (random(3) === 0) return "*";
  const parts = [part(n)];
  // A star in a list would hide the rest.
  while (random(4) === 0) parts.push(random(2) === 0 ? value(n) : range(n));
  return parts.join(",");
}
const nicknames = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually", "@midnight"];
function question() {
  const text = random(40) === 0 ? pick(nicknames) : [0, 1, 2, 3, 4].map(field).join(" ");
  // 2020 to 2060, leap years and the year 2038 among them.
  return [1577836800 + random(40 * 365 * 86400), text];
}

const count = Number(process.env.COUNT || 5000);
const questions = Array.from({ length: count }, question);
const theirs = (text, after, options) => {
  const next = new Cron(text.replace("@midnight", "@daily"), { timezone: "UTC", ...options }).nextRun(new Date(after * 1000));
  return next === null ? "never" : String(next.getTime() / 1000);
};

if (process.argv[2] === "make") {
  for (const [after, text] of questions) console.log(`${after} ${text}`);
} else {
  let n = 0, equal = 0, starred = 0, missed = 0, bad = 0;
  for await (const ours of createInterface({ input: process.stdin })) {
    const [after, text] = questions[n++];
    const [, , day, , weekday] = text.split(" ");
    const either = theirs(text, after, {});
    if (ours === either) {
      equal++;
    } else if (day !== "*" && weekday !== "*" && (day.startsWith("*") || weekday.startsWith("*")) &&
               ours === theirs(text, after, { legacyMode: false })) {
      // crontab(5): a field that begins with a star is no restriction, so that
      // both must match; croner takes only a bare star for one.
      starred++;
    } else if (Number(ours) < Number(either) && ours === theirs(text, Number(ours) - 1, {})) {
      // Theirs passes over a time that it names itself when it is asked from
      // the second before: of March, when it comes from February.
      missed++;
    } else {
      bad++;
      console.log(`${text} after ${after}: ${ours}, and not ${either}`);
    }
  }
  console.log(`${equal} equal, ${starred} by a star with a step in a day field, ${missed} that theirs missed, ${bad} unexplained, of ${count}`);
  process.exit(n === count && bad === 0 && equal > count / 2 ? 0 : 1);
}
