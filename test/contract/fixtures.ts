/** A small valid experiment; its lines are what the places in the tests count. */
export const valid = `name: digits
data: {source: ./data}
training:
  command: [python, train.py]
  budget: {epochs: 5}
variants:
  - {name: a, control: true, params: {h: 1}}
  - {name: b, params: {h: 2}}
varies: [h]
`;

/** The valid experiment with texts replaced; a text that is not there is a mistake of the test. */
export const changed = (...edits: [from: string, to: string][]): string =>
  edits.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`not in the fixture: ${from}`);
    return text.replace(from, () => to);
  }, valid);
