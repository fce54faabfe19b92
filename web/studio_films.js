// @ts-check
// The gallery of the films that are made.

import { byId, make } from "./dom.js";
import { secondsText, titleOfFilm, wayText } from "./studio_texts.js";
import { phrase } from "./texts/texts.js";

/** @import { Film } from "./films_rest.js" */

export class StudioFilms {
  #list = byId("studio-films", HTMLUListElement);
  #onPlay;
  /** @type {Map<string, HTMLLIElement>} */
  #cards = new Map();

  /** @param {(film: Film) => void} onPlay */
  constructor(onPlay) {
    this.#onPlay = onPlay;
  }

  /** @param {readonly Film[]} films newest first */
  show(films) {
    const ids = new Set(films.map(({ id }) => id));
    for (const [id, card] of this.#cards) {
      if (ids.has(id)) continue;
      card.remove();
      this.#cards.delete(id);
    }
    // A film does not change once it is made, and cards that stay keep the focus.
    films.forEach((film, index) => {
      const card = this.#cards.get(film.id) ?? this.#card(film);
      this.#cards.set(film.id, card);
      if (this.#list.children[index] !== card) this.#list.insertBefore(card, this.#list.children[index] ?? null);
    });
  }

  /** @param {string} id */
  focus(id) {
    this.#cards.get(id)?.querySelector("button")?.focus();
  }

  /** @param {Film} film */
  #card(film) {
    const title = titleOfFilm(film);
    const picture = make("img", {
      alt: "",
      src: film.thumbnail_url ?? "",
      width: film.width ?? 16,
      height: film.height ?? 9,
      loading: "lazy",
      decoding: "async",
      // A card without a picture still has its text.
      onerror: () => picture.remove(),
    });
    const caption = make("span", {
      className: "recording-caption",
      children: [make("strong", { text: title }), make("span", { text: secondsText(film.seconds ?? 0) })],
    });
    const button = make("button", {
      className: "recording-card",
      type: "button",
      title: phrase("studio.titleWithWay", { title: film.prompt || title, way: wayText(film.way) }),
      onclick: () => this.#onPlay(film),
      children: [picture, caption],
    });
    button.dataset.testid = "studio-film";
    button.dataset.film = film.id;
    return make("li", { children: [button] });
  }
}
