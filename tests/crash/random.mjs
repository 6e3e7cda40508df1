// What a crash suite leaves to chance. SEED repeats a run as far as the machine lets it; each suite prints it.
export const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

let state = seed >>> 0; // mulberry32
export function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
export const below = (n) => Math.floor(random() * n);
