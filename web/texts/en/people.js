// @ts-check
// People, and the settings of the server.

export const entrance = {
  code: "Code",
  codeHint: "The server printed it when it started. On the server's own machine none is needed.",
  showPassword: "Show the password",
  setupTitle: "Become the owner",
  setupText: "This server has no owner yet. Whoever is first invites the others.",
  setupSubmit: "Create the account",
  acceptTitle: "You are invited",
  acceptText: "Choose a name and a password to join this server.",
  acceptSubmit: "Join",
  haveAccount: "I have an account",
};

export const account = {
  tokensHint: "A program sends its token as {header}, and may do in your name what you tick.",
  sessions: "Where you are signed in",
  presentPassword: "Present password",
  newPassword: "New password",
  changePassword: "Change the password",
  tokens: "Tokens for programs",
  noTokens: "You have no tokens.",
  tokenName: "Name of a new token",
  expires: "Expires",
  week: "after a week",
  month: "after a month",
  year: "after a year",
  never: "never",
  scopes: "What it may do",
  makeToken: "Make a token",
  signOutEverywhere: "Sign out everywhere",
  signOutEverywhereSure: "Sign out everywhere, here too",
  signOutEverywhereAbout: "all browsers, and the tokens of programs",
  signOutThere: "Sign out there",
  passwordChanged: "The password is changed. All other browsers are signed out, and your tokens are revoked.",
  role: "{role}: {meaning}",
  newToken: "New token",
  takeToken: "Copy the token now. It is not shown again. Whoever has it acts for you.",
  revoke: "Revoke",
  revokeSure: "Revoke it for good",
  device: "{browser} on {system}",
  unknownDevice: "An unknown device",
  justNow: "just now",
  ago: "{span} ago",
  onDate: "on {date}",
  noExpiry: "does not expire",
  expiresIn: "expires in {span}",
  expired: "has expired",
  thisBrowser: "this browser",
  seen: "seen {when}",
  session: "Signed in {when}, {seen}",
  neverUsed: "never used",
  used: "used {when}",
  may: "May {scopes}",
};

export const spans = {
  day: { one: "{count} day", other: "{count} days" },
  hour: { one: "{count} hour", other: "{count} hours" },
  minute: { one: "{count} minute", other: "{count} minutes" },
};

export const roles = {
  owner: "Owner",
  player: "Player",
  viewer: "Viewer",
};

export const roleMeanings = {
  owner: "does everything, and sees to people and settings",
  player: "plays, and keeps their own recordings, worlds and pictures",
  viewer: "looks at things, and changes nothing",
};

export const scopes = {
  read: "Read: list and download what is yours",
  play: "Play: enter worlds",
  create: "Create: upload pictures, begin scenes and jobs",
  manage: "Manage: rename and delete what is yours",
  admin: "Administer: people and the server's settings",
};

export const people = {
  invite: "Invite somebody",
  as: "As",
  linkWorksFor: "The link works for",
  hour: "an hour",
  day: "a day",
  week: "a week",
  makeLink: "Make a link",
  openInvitations: "Invitations that nobody has accepted yet",
  joined: "joined {when}",
  isYou: "This is you",
  cannotSignIn: "cannot sign in",
  invitation: "Made {made}, {expires}",
  roleOf: "Role of {name}",
  letInAgain: "Let in again",
  disable: "Disable",
  invitationLink: "Invitation link",
  takeLink: "Send this link to one person. It is not shown again, and works once.",
  invitationFor: "Invitation for a {role}",
  withdraw: "Withdraw",
  withdrawSure: "Withdraw it for good",
};

export const serverSettings = {
  keptIn: "Settings are kept in {file}, which can be edited as well.",
  searchLabel: "Search the settings",
  search: "Search",
  readAgain: "Read the file again",
  discard: "Discard",
  saved: "Saved",
  overtaken:
    "Somebody else has changed the settings meanwhile, so nothing was saved. What you typed is still here: look at it, and save again.",
  stillTyped: "Server settings: {unsaved}. The view still has what you typed.",
  none: "none",
  on: "on",
  off: "off",
  defaultIs: "Default: {value}",
  writeNumber: "Write a number.",
  oneInEachLine: "One in each line. Default: {value}",
  typeToReplace: "Type to replace it",
  notSet: "Not set",
  set: "Set",
  fieldOvertaken: "Somebody else has changed this meanwhile, to {value}.",
  toDefault: "It goes back to the default when you save.",
  reset: "Reset to default",
  between: "{least} to {most}",
  atLeast: "at least {least}",
  atMost: "at most {most}",
  fixedBy: "fixed by {what}",
  givenBy: "given by {what} at the start only",
  byDefault: "Default",
  byFile: "From the settings file",
  otherDefault: "default: {value}",
  restartBecause: "{applies}: {reason}",
  secretPending: "A new one waits for a restart.",
  pending: "In use until the restart: {value}. Then: {next}.",
  waiting: { one: "1 change waits for a restart: {names}.", other: "{count} changes wait for a restart: {names}." },
  allSaved: "Everything is saved",
  unsaved: { one: "1 change is not saved", other: "{count} changes are not saved" },
  line: "line {line}",
  fault: "{where}: {reason}. The server goes on with the last good settings.",
  refused: {
    one: "Nothing was saved: one setting cannot be so.",
    other: "Nothing was saved: {count} settings cannot be so.",
  },
  nothingFound: "No setting has these words.",
  foundCount: { one: "1 setting", other: "{count} settings" },
};

export const settingApplies = {
  live: "Takes effect at once",
  nextSession: "Takes effect with the next world that is entered",
  nextJob: "Takes effect with the next job",
  restart: "Takes effect after a restart",
};

/** Words in the names of settings that have a spelling of their own. */
export const settingWords = {
  jpeg: "JPEG",
  mib: "MiB",
  url: "URL",
  id: "ID",
  pid: "process",
  dir: "folder",
  fps: "frame rate",
};
