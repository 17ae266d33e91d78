// What a day's statement comes to: pure.

const SALES = ["pay", "capture"];
// `reverse` is an operator's undoing of a payment.
const REFUNDS = ["refund", "reverse"];

/**
 * {received, count, largest, refunds, fees: đồng; hours: [{hour, amount}] by hour} of a merchant's statement lines. What is
 * received is less the fee, as the ledger posted it. `hourOf(moment)` is "07".
 */
export function summed(lines, hourOf) {
  const sums = { received: 0, count: 0, largest: 0, refunds: 0, fees: 0, hours: [] };
  const hours = new Map();
  for (const line of lines) {
    const amount = Number(line.amount);
    if (line.direction === "DIRECTION_IN" && SALES.includes(line.operation)) {
      sums.received += amount;
      sums.count += 1;
      sums.fees += Number(line.fee);
      sums.largest = Math.max(sums.largest, amount);
      hours.set(hourOf(line.at), (hours.get(hourOf(line.at)) ?? 0) + amount);
    }
    if (line.direction === "DIRECTION_OUT" && REFUNDS.includes(line.operation)) sums.refunds += amount;
  }
  sums.hours = [...hours].map(([hour, amount]) => ({ hour, amount })).sort((a, b) => a.hour.localeCompare(b.hour));
  return sums;
}
