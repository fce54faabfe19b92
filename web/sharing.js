// @ts-check
// The player's side of sharing: the link, who watches, and who has the controls.

import { isLocalAddress } from "./account_texts.js";
import { RequestError } from "./connection.js";
import { byId } from "./dom.js";
import { qrPicture } from "./qr_picture.js";
import { RowList } from "./row_list.js";
import { SecretNote } from "./secret_note.js";
import { sureButton } from "./sure_button.js";
import { phrase } from "./texts/texts.js";
import { countText, guestState, watchAddress } from "./watch_texts.js";

/** @import { App } from "./app.js" */
/** @import { SharingData } from "./protocol.generated.d.ts" */

/** @type {SharingData} */
const NOTHING = { watchers: 0, guests: [] };

export class Sharing {
  #app;
  #button = byId("share-button", HTMLButtonElement);
  #stop = byId("stop-sharing-button", HTMLButtonElement);
  #state = byId("share-state", HTMLElement);
  #note = new SecretNote(phrase("sharing.linkToWatch"), this.#button);
  #list = byId("guests", HTMLElement);
  #guests = new RowList(this.#list, this.#button, "guest");
  #now = NOTHING;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.#button.after(this.#note.element);
  }

  /** Whether a guest has the controls, so that the player watches. */
  get guestPlays() {
    return this.#now.guest !== undefined;
  }

  /** Make the link, or show it again. */
  async share() {
    const shared = await this.#ask(() => this.#app.session?.share());
    if (!shared?.link) return;
    const address = watchAddress(location.href, shared.link);
    const text = phrase("sharing.hint");
    if (isLocalAddress(address)) this.#note.show(address, `${text} ${phrase("common.onlyHere")}`);
    else this.#note.show(address, text, qrPicture(address, phrase("common.qrOfLink")));
  }

  async stop() {
    this.#note.hide();
    this.#button.focus();
    await this.#ask(() => this.#app.session?.stopSharing());
  }

  /** @param {boolean} granted whether the guest who asks may play */
  async answer(granted) {
    const guest = this.#now.asking;
    if (guest === undefined) return;
    const answered = await this.#ask(() => this.#app.session?.answerGuest(guest, granted));
    if (answered && granted) this.#app.resume();
  }

  /** @param {number} guest who watches */
  async sendAway(guest) {
    await this.#ask(() => this.#app.session?.sendAway(guest));
  }

  async takeBack() {
    await this.#ask(() => this.#app.session?.takeControls());
  }

  /** @param {SharingData} data how things are now */
  receive(data) {
    const played = this.guestPlays;
    this.#now = data;
    const isShared = data.link !== undefined;
    this.#state.textContent = isShared ? `${countText(data.watchers)}.` : "";
    this.#button.textContent = phrase(isShared ? "sharing.showLink" : "menu.shareWorld");
    this.#stop.hidden = !isShared;
    if (!isShared) this.#note.hide();
    this.#showGuest();
    this.#showGuests();
    if (this.guestPlays !== played) this.#app.handsChanged();
  }

  /** The session is over. */
  forget() {
    this.#now = NOTHING;
    this.receive(NOTHING);
  }

  #showGuest() {
    const { asking, guest } = this.#now;
    const isAsking = asking !== undefined;
    const text = isAsking ? phrase("sharing.asks", { guest: asking }) : guest === undefined ? "" : phrase("sharing.plays", { guest });
    for (const element of document.querySelectorAll("[data-guest]")) {
      if (!(element instanceof HTMLElement)) continue;
      element.hidden = text === "";
      for (const part of element.querySelectorAll("[data-guest-text]")) part.textContent = text;
      for (const part of element.querySelectorAll("[data-guest-asks]")) part.toggleAttribute("hidden", !isAsking);
      for (const part of element.querySelectorAll("[data-guest-plays]")) part.toggleAttribute("hidden", isAsking);
    }
  }

  #showGuests() {
    this.#list.hidden = this.#now.guests.length === 0;
    this.#guests.show(
      this.#now.guests.map((guest) => {
        const title = phrase("sharing.guest", { guest });
        const away = sureButton({
          text: phrase("sharing.sendAway"),
          sureText: phrase("sharing.sendAwaySure"),
          about: title,
          testId: "send-away-button",
          onSure: () => void this.sendAway(guest),
        });
        return { key: String(guest), title, text: guestState(guest, this.#now), controls: [away] };
      }),
    );
  }

  /**
   * @param {() => Promise<SharingData> | undefined} request
   * @returns {Promise<SharingData | null>} null where it was refused, which is told
   */
  async #ask(request) {
    try {
      const data = await request();
      if (data) this.receive(data);
      return data ?? null;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#app.menu.notify(error.message);
      return null;
    }
  }
}
