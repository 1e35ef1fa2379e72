/** Pieces of HTML whose texts are escaped by construction; pure. */

/** Made by `html` alone. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = Markup | readonly Markup[] | string | number;

const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const textOf = (value: Value): string => {
  if (value instanceof Markup) return value.text;
  return Array.isArray(value)
    ? value.map((m: Markup) => m.text).join('')
    : escape(String(value as string | number));
};

/** html`<td>${name}</td>`: what is put in is escaped, unless it is Markup itself. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Markup =>
  new Markup(parts.reduce((all, part, i) => all + textOf(values[i - 1] ?? '') + part));

export const nothing = new Markup('');
