// What is received is said aloud, in Vietnamese, with a chime before it: a different one where it is short.

let context = null;

/** Call it from a tap: browsers give sound to nobody else. */
export function wakeSound() {
  context ??= new AudioContext();
  context.resume();
  voice();
  return context;
}

export const soundIsOn = () => context !== null && localStorage.getItem("cho.sound") === "on";

/** A Vietnamese voice of this phone, if there is one. Voices come late: asked at each time. */
export function voice() {
  return globalThis.speechSynthesis?.getVoices().find((one) => one.lang.toLowerCase().startsWith("vi")) ?? null;
}

/** "good": two tones up; "bad": three low ones. */
export function chime(kind) {
  if (!soundIsOn()) return;
  const tones = kind === "bad" ? [220, 196, 175] : [660, 880];
  tones.forEach((pitch, i) => {
    const [oscillator, gain, from] = [context.createOscillator(), context.createGain(), context.currentTime + i * 0.18];
    oscillator.frequency.value = pitch;
    gain.gain.setValueAtTime(0.001, from);
    gain.gain.exponentialRampToValueAtTime(0.5, from + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, from + 0.17);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(from);
    oscillator.stop(from + 0.18);
  });
}

/** Says it after what is being said: nothing is cut off, so that no payment is drowned by the next. */
export function speak(text) {
  if (!soundIsOn() || !globalThis.speechSynthesis) return;
  const said = new SpeechSynthesisUtterance(text);
  said.lang = "vi-VN";
  said.voice = voice();
  said.rate = 0.95;
  if (said.voice) speechSynthesis.speak(said);
}
