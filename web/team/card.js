// What stands in the QR code on the back of a citizen card, so that a form fills itself in without a network. What is wrong
// with it, the service says when it hears of it.

/** number|old number|name|birth date|sex|address|issued, dates as ddmmyyyy. Null where it is no such code. */
export function readCard(text) {
  const [number, , name, born, sex, address, issued] = text.split("|");
  if (!/^[0-9]{12}$/.test(number ?? "") || !name || !/^[0-9]{8}$/.test(born ?? "")) return null;
  return {
    citizen_id: number,
    person_name: name,
    birth_date: iso(born),
    sex: { Nam: "male", Nữ: "female" }[sex] ?? "",
    address: address ?? "",
    citizen_issued: issued && /^[0-9]{8}$/.test(issued) ? iso(issued) : "",
  };
}

const iso = (day) => `${day.slice(4)}-${day.slice(2, 4)}-${day.slice(0, 2)}`;
