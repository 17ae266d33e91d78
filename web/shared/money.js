// Đồng and times, as people write them here. Days are Vietnam's, wherever the phone thinks it is.

import { now } from "./clock.js";

const ZONE = "Asia/Ho_Chi_Minh";
const NUMBER = new Intl.NumberFormat("vi-VN");

/** 75000 is "75.000 đ". */
export const dong = (amount) => `${NUMBER.format(Number(amount))} đ`;

/** 75000 is "75.000", as in a field. */
export const grouped = (amount) => NUMBER.format(amount);

/** What somebody typed ("75.000", "75 000") in đồng; 0 where it is no amount. */
export function typedAmount(text) {
  const digits = text.replace(/[.,\s\u00a0đ]/g, "");
  return /^[0-9]{1,12}$/.test(digits) ? Number(digits) : 0;
}

/** Of a field for a whole number, with or without the dots of thousands: "2,5" is refused, and not 25. */
export const WHOLE = String.raw`\d+|\d{1,3}(\.\d{3})+`;

/** "09:41" today, "28/11 09:41" otherwise. */
export function when(moment, today = now()) {
  const time = part(moment, { hour: "2-digit", minute: "2-digit", hour12: false });
  return day(moment) === day(today) ? time : `${part(moment, { day: "2-digit", month: "2-digit" })} ${time}`;
}

/** "09", of a moment. */
export function hour(moment) {
  return part(moment, { hour: "2-digit", hour12: false }).replace(/\D/g, "").padStart(2, "0");
}

/** The moment at which today began in Vietnam. */
export function startOfToday(at = now()) {
  return new Date(`${day(at)}T00:00:00+07:00`);
}

/** "2026-11-29". */
export function day(moment) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: ZONE }).format(new Date(moment));
}

/** "2026-11-29", a day as the API has it, is "29/11/2026". */
export function date(written) {
  return written.split("-").reverse().join("/");
}

function part(moment, options) {
  return new Intl.DateTimeFormat("vi-VN", { timeZone: ZONE, ...options }).format(new Date(moment));
}

/** Puts the dots of the thousands in while an amount is typed; who types in its middle goes on there. */
export function groupWhileTyped(input) {
  input.addEventListener("input", () => {
    const amount = typedAmount(input.value);
    if (!amount) return;
    const behind = digits(input.value.slice(input.selectionEnd));
    input.value = NUMBER.format(amount);
    let at = input.value.length;
    while (at > 0 && digits(input.value.slice(at)) < behind) at -= 1;
    input.setSelectionRange(at, at);
  });
}

const digits = (text) => text.replace(/\D/g, "").length;
