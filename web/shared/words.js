// Amounts in Vietnamese words, as they are said. The same rules as the bank papers' (settlement/people/words.py).

const DIGITS = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"];
const GROUPS = ["", " nghìn", " triệu"];

/** 1205 is "một nghìn hai trăm linh năm". From 0 to 2^53 - 1. */
export function numberInWords(number) {
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`${number} cannot be read out`);
  return read(number, false) || DIGITS[0];
}

/** "năm mươi nghìn đồng". */
export const amountInWords = (amount) => `${numberInWords(amount)} đồng`;

// `whole`: it stands behind others, so that its hundreds are said even where there are none.
function read(number, whole) {
  const billions = Math.floor(number / 1e9);
  let rest = number % 1e9;
  const parts = billions ? [`${read(billions, whole)} tỷ`] : [];
  for (const power of [2, 1, 0]) {
    const unit = 1000 ** power;
    const group = Math.floor(rest / unit);
    rest %= unit;
    if (group) parts.push(three(group, whole || parts.length > 0) + GROUPS[power]);
  }
  return parts.join(" ");
}

function three(group, whole) {
  const [hundreds, tens, ones] = [Math.floor(group / 100), Math.floor(group / 10) % 10, group % 10];
  const words = hundreds || whole ? [DIGITS[hundreds], "trăm"] : [];
  if (tens > 1) words.push(DIGITS[tens], "mươi");
  else if (tens === 1) words.push("mười");
  else if (ones && words.length) words.push("linh");
  if (ones === 1 && tens > 1) words.push("mốt");
  else if (ones === 5 && tens) words.push("lăm");
  else if (ones) words.push(DIGITS[ones]);
  return words.join(" ");
}
