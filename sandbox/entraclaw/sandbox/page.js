// The chat page: draws the state it is given and the events that follow, and sends what is typed.
// Everything shown is made of nodes and text; nothing a message holds is ever read as markup.

const KINDS = ["personal", "groupChat", "channel"];
const TRIES = 3;
const TYPING_MS = 8000;
const NEAR_PX = 120;

const tenant = { people: [], agents: [], places: new Map(), deliveries: new Map(), tokens: new Map() };
const view = { person: "ada", agent: null, kind: "personal", thread: null, mention: false, unread: new Set() };

const $ = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });

// Nodes.

function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

function icon(name, look) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("aria-hidden", "true");
  if (look) svg.setAttribute("class", look);
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function span(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function initials(name) {
  const words = name.trim().split(/\s+/);
  return words.slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();
}

const face = (name, look) => el("span", { class: `face ${look}`, "aria-hidden": "true" }, initials(name));

// Markdown, the part that chats use. Every alternative is bounded, so that no text is slow to read.

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "\\*\\*([^\\n]{1,2000}?)\\*\\*",
    "\\*([^*\\s][^*\\n]{0,1000})\\*",
    "(?<!\\w)_([^_\\s][^_\\n]{0,1000})_(?!\\w)",
    "\\[([^\\]\\n]{1,300})\\]\\((https?:\\/\\/[^\\s)]{1,2000})\\)",
    "(https?:\\/\\/[^\\s<>\"'`]{1,2000})",
    "<at>([^<]{1,200})<\\/at>",
  ].join("|"),
  "g",
);

function inline(text, depth = 0) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(depth < 4 ? INLINE : /(?!)/g)) {
    const [all, code, strong, star, low, label, href, bare, at] = found;
    nodes.push(text.slice(from, found.index));
    from = found.index + all.length;
    if (code) nodes.push(el("code", {}, code));
    else if (strong) nodes.push(el("strong", {}, inline(strong, depth + 1)));
    else if (star || low) nodes.push(el("em", {}, inline(star || low, depth + 1)));
    else if (at) nodes.push(el("span", { class: "at" }, `@${at}`));
    else if (label) nodes.push(...link(href, label));
    else {
      const url = bare.replace(/[.,;:!?)\]]+$/, "");
      from -= bare.length - url.length;
      nodes.push(...link(url, url));
    }
  }
  return [...nodes, text.slice(from)].filter((node) => node !== "");
}

function link(href, label) {
  let url;
  try {
    url = new URL(href);
  } catch {
    return [label];
  }
  const anchor = el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, label);
  // The label says what its author likes; the host is where the link goes.
  const plain = label === href && !url.username;
  return plain ? [anchor] : [anchor, el("span", { class: "host" }, ` (${url.host})`)];
}

const FENCE = /^\s*```/;
const BULLET = /^\s*[-*•]\s+(.*)$/;
const NUMBER = /^\s*\d{1,4}[.)]\s+(.*)$/;
const QUOTE = /^\s*>\s?(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;

function markdown(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  const run = (pattern) => {
    const taken = [];
    for (let found; lines.length && (found = pattern.exec(lines[0])); lines.shift()) taken.push(found[1]);
    return taken;
  };
  const list = (name, items) => el(name, {}, items.map((item) => el("li", {}, inline(item))));
  const starts = (line) => [FENCE, BULLET, NUMBER, QUOTE, HEADING].some((pattern) => pattern.test(line));
  while (lines.length) {
    const [line] = lines;
    if (!line.trim()) lines.shift();
    else if (FENCE.test(line)) blocks.push(fence(lines));
    else if (BULLET.test(line)) blocks.push(list("ul", run(BULLET)));
    else if (NUMBER.test(line)) blocks.push(list("ol", run(NUMBER)));
    else if (QUOTE.test(line)) blocks.push(el("blockquote", {}, inline(run(QUOTE).join("\n"))));
    else if (HEADING.test(line)) blocks.push(el("p", {}, el("strong", {}, inline(HEADING.exec(lines.shift())[1]))));
    else {
      const words = [lines.shift()];
      while (lines.length && lines[0].trim() && !starts(lines[0])) words.push(lines.shift());
      blocks.push(el("p", {}, inline(words.join("\n"))));
    }
  }
  return blocks;
}

function fence(lines) {
  lines.shift();
  const code = [];
  while (lines.length && !FENCE.test(lines[0])) code.push(lines.shift());
  lines.shift();
  return el("pre", { tabindex: "0" }, el("code", {}, code.join("\n")));
}

// Adaptive Cards, simply: words, facts, and buttons that do nothing.

const list = (value) => (Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : []);
const word = (value) => (typeof value === "string" || typeof value === "number" ? String(value) : "");

function card(content) {
  const nodes = list(content.body).flatMap((part) => cardPart(part, 0));
  const buttons = cardActions(content.actions);
  return el("div", { class: "card" }, nodes, buttons);
}

function cardPart(part, depth) {
  if (depth > 8) return [];
  const within = [...list(part.items), ...list(part.columns)].flatMap((inner) => cardPart(inner, depth + 1));
  switch (part.type) {
    case "TextBlock": {
      const large = /large/i.test(word(part.size)) && "large";
      const bold = (large || /bolder/i.test(word(part.weight)) || part.style === "heading") && "bold";
      const looks = [large, bold, part.isSubtle === true && "subtle"].filter(Boolean).join(" ");
      return [el("p", { class: looks }, inline(word(part.text)))];
    }
    case "RichTextBlock":
      return [el("p", {}, list(part.inlines).map((run) => word(run.text)).join(""))];
    case "FactSet":
      return [el("dl", {}, list(part.facts).map((f) => [el("dt", {}, word(f.title)), el("dd", {}, inline(word(f.value)))]))];
    case "Image":
      return [el("p", { class: "subtle" }, `[image${part.altText ? `: ${word(part.altText)}` : ""}]`)];
    case "ActionSet":
      return [cardActions(part.actions)].filter(Boolean);
    default:
      return within;
  }
}

function cardActions(actions) {
  const buttons = list(actions).map((a) => el("button", { type: "button", disabled: true }, word(a.title) || "Button"));
  return buttons.length ? el("div", { class: "actions" }, buttons, el("small", {}, "shown only: buttons do nothing here")) : null;
}

// What is known.

const personNow = () => tenant.people.find((person) => person.key === view.person);
const agentOf = (user) => tenant.agents.find((agent) => agent.user === user);
const agentNow = () => agentOf(view.agent);

function placeOf(kind, person = view.person, agent = view.agent) {
  const fits = (place) => place.agent === agent && place.kind === kind && (place.person ?? person) === person;
  return [...tenant.places.values()].find(fits);
}

const placeNow = () => placeOf(view.kind);

function standing(person, agent) {
  if (agent?.sponsors.includes(person.key)) return `sponsor · ${person.organisation}`;
  if (!agent) return person.organisation;
  return person.tenant === agent.tenant ? `colleague · ${person.organisation}` : `stranger · ${person.organisation}`;
}

function learnPlace({ entries = [], ...place }) {
  if (tenant.places.has(place.id)) return;
  tenant.places.set(place.id, { ...place, messages: [], byId: new Map(), typing: null });
  entries.forEach(learnEntry);
}

function learnAgent(agent) {
  const known = tenant.agents.findIndex((other) => other.user === agent.user);
  if (known >= 0) tenant.agents[known] = agent;
  else tenant.agents.unshift(agent);
}

function learnToken({ client, hop, code, ms }) {
  const agent = tenant.agents.find((one) => [one.blueprint, one.identity, one.bot].includes(client));
  if (!agent) return;
  const chain = tenant.tokens.get(agent.user) ?? {};
  // A refusal does not say which hop was asked for; who asked it tells enough.
  const name = hop === "refused" ? (agent.bot ? "bot" : client === agent.blueprint ? "blueprint" : "agent") : hop;
  tenant.tokens.set(agent.user, { ...chain, [name]: { code, ms } });
}

// Returns the message that is new or changed, or null.
function learnEntry(entry) {
  const place = tenant.places.get(entry.conversation);
  if (!place) return null;
  if (entry.kind === "typing") {
    place.typing = { name: entry.from.name, thread: entry.thread, until: Date.now() + TYPING_MS };
    return null;
  }
  if (entry.kind === "message") {
    const message = { ...entry, place, edited: false, deleted: false, answeredMs: null, reactions: [] };
    place.messages.push(message);
    place.byId.set(entry.id, message);
    const question = entry.answers && place.byId.get(entry.answers);
    if (question) question.answeredMs ??= entry.after_ms;
    if (entry.sender) place.typing = null;
    return message;
  }
  const message = place.byId.get(entry.id);
  if (!message) return null;
  if (entry.kind === "delete") message.deleted = true;
  else if (entry.kind === "update") Object.assign(message, { text: entry.text, cards: entry.cards, edited: true, deleted: false });
  else if (entry.kind === "reaction" || entry.kind === "unreaction") learnReaction(message, entry);
  else return null;
  return message;
}

function learnReaction(message, { kind, text: type, from }) {
  message.reactions = message.reactions.filter((one) => one.type !== type || one.from.oid !== from.oid);
  if (kind === "reaction") message.reactions.push({ type, from });
}

// The rail.

function choice(group, value, checked, picture, title, subtitle, key, isNew) {
  const input = el("input", { type: "radio", name: group, value });
  input.checked = checked;
  const fresh = isNew ? el("span", { class: "new", role: "img", "aria-label": "something new" }) : null;
  return el("label", { class: "choice" }, input, picture, el("span", { class: "name" }, title, el("small", {}, subtitle)), fresh, el("kbd", { "aria-hidden": "true" }, `Alt ${key}`));
}

function drawRail() {
  const agent = agentNow();
  const had = document.activeElement?.name && [document.activeElement.name, document.activeElement.value];
  const people = tenant.people.map((person, i) => {
    const fresh = view.unread.has(placeOf("personal", person.key)?.id) && person.key !== view.person;
    return choice("person", person.key, person.key === view.person, face(person.name, person.key), person.name, standing(person, agent), i + 1, fresh);
  });
  $("people").replaceChildren(...people);
  $("pick").hidden = tenant.agents.length < 2;
  $("agents").replaceChildren(...tenant.agents.map((one) => {
    const option = el("option", { value: one.user }, tenant.agents.some((o) => o !== one && o.name === one.name) ? (one.bot || one.upn.split("@")[0]) : one.name);
    option.selected = one.user === view.agent;
    return option;
  }));
  const places = agent ? [
    [face(agent.name, "agent"), agent.name, "1:1 chat"],
    [el("span", { class: "face plain" }, icon("group")), placeOf("groupChat")?.name, "group chat"],
    [el("span", { class: "face plain" }, icon("channel")), placeOf("channel")?.name, "channel, in threads"],
  ] : [];
  $("writing").hidden = !agent;
  $("places").replaceChildren(...places.map(([picture, title, subtitle], i) => {
    const fresh = view.unread.has(placeOf(KINDS[i])?.id);
    return choice("place", KINDS[i], KINDS[i] === view.kind, picture, title, subtitle, i + 4, fresh);
  }));
  if (had) document.querySelector(`input[name="${had[0]}"][value="${CSS.escape(had[1])}"]`)?.focus();
  const where = agent ? (view.kind === "personal" ? agent.name : placeNow()?.name) : "nobody yet";
  $("switcher").replaceChildren(face(personNow().name, view.person), el("span", { class: "name" }, el("b", {}, personNow().name), ` → ${where}`), icon("chevron"));
}

// The head.

function drawHead() {
  const agent = agentNow();
  const place = placeNow();
  if (!agent || !place) return $("head").replaceChildren(el("div", {}, el("h1", {}, "No agent yet"), el("p", {}, "Three people, nobody to write to")));
  const looks = {
    personal: [face(agent.name, "agent"), agent.name, agent.bot ? `Classic bot ${agent.bot}` : `Agent user ${agent.upn}`],
    groupChat: [el("span", { class: "face plain" }, icon("group")), place.name, [...tenant.people.map((p) => p.name.split(" ")[0]), agent.name].join(", ")],
    channel: [el("span", { class: "face plain" }, icon("channel")), place.name, `Channel · ${agent.name} is a member`],
  };
  const [picture, title, subtitle] = looks[view.kind];
  const note = agent.enabled ? (agent.reachable ? "" : " · no endpoint yet") : " · disabled";
  const chain = tenant.tokens.get(agent.user) ?? {};
  const steps = (agent.bot ? ["bot"] : ["blueprint", "agent", "user"]).flatMap((hop, i) => {
    const step = chain[hop];
    const look = step && (step.code ? "refused" : "held");
    const said = step ? (step.code ? `refused, AADSTS${step.code}` : `granted in ${span(step.ms)}`) : "not asked for yet";
    return [i ? el("i", { "aria-hidden": "true" }, "›") : null, el("li", { class: look, title: `${hop} token: ${said}` }, hop, el("span", { class: "unseen" }, `: ${said}`))];
  });
  $("head").replaceChildren(picture, el("div", {}, el("h1", {}, title), el("p", {}, subtitle + note)), el("ul", { class: "chain", "aria-label": "Token chain of the agent" }, el("li", { class: "label", "aria-hidden": "true" }, "token chain"), steps.filter(Boolean)));
}

// Messages.

function fate(message) {
  const agent = agentOf(message.place.agent);
  const delivery = tenant.deliveries.get(message.id);
  const say = (look, text) => [el("span", { class: `dot ${look}`, "aria-hidden": "true" }), el("span", {}, text)];
  if (!delivery) return say("wait", "sending");
  const { status, tries, ms, lost } = delivery;
  const tried = tries === 1 ? "tried once" : `tried ${tries} times`;
  const answered = message.answeredMs !== null;
  const told = answered ? ` · answered after ${span(message.answeredMs)}` : "";
  const end = message.addressed ? told : `${told} · not addressed to ${agent?.name}: no @mention`;
  if (lost) return say(answered ? "good" : "bad", `never delivered: the channel lost it${end}`);
  if (!tries) return say(answered ? "good" : "bad", `not delivered: ${agent?.name ?? "the agent"} has no endpoint${end}`);
  if (ms === null) return say("wait", `waiting for the agent's endpoint${tries > 1 ? `, try ${tries} of ${TRIES}` : ""}${end}`);
  if (!status) return say("bad", `no answer from the agent's endpoint; ${tried}${end}`);
  if (status >= 500) return say("bad", `${status} from the agent's endpoint; ${tried}${end}`);
  if (status >= 300) return say("bad", `${status} refused in ${span(ms)}${end}`);
  const look = answered ? "good" : message.addressed ? "wait" : "";
  return say(look, `${status} in ${span(ms)}${end || " · kept, no answer yet"}`);
}

function footing(message) {
  const nodes = [];
  if (message.sender) {
    const agent = agentOf(message.sender.oid);
    const whom = message.sender.idtyp === "user" ? `as agent user ${agent?.upn.split("@")[0] ?? message.sender.oid}` : agent ? `as the bot ${agent.name}` : "as an app";
    nodes.push(el("span", { class: "dot good", "aria-hidden": "true" }), el("span", {}, `${whom}, token checked`));
  } else {
    nodes.push(...fate(message));
  }
  return nodes;
}

function body(message) {
  if (message.deleted) return [el("p", { class: "gone" }, "This message was deleted.")];
  const attached = list(message.attached).map(({ name, picture }) => el("p", { class: "attached" }, icon("clip"), picture ? "picture " : "", el("b", {}, word(name))));
  return [...markdown(message.text), ...list(message.cards).map(card), ...attached];
}

// Teams names a reaction by a word, by the number of its character, or by that character.
const FACES = { like: "👍", heart: "❤️", laugh: "😆", surprised: "😮", sad: "😢", angry: "😠", launch: "🚀" };

function faceOf(type) {
  const number = /^([0-9a-f]{4,5})_/.exec(type)?.[1];
  return FACES[type] ?? (number ? String.fromCodePoint(parseInt(number, 16)) : type.slice(0, 12));
}

function reactions(message) {
  if (message.deleted) return [];
  const types = [...new Set(message.reactions.map(({ type }) => type))];
  return types.map((type) => {
    const names = message.reactions.filter((one) => one.type === type).map(({ from }) => from.name);
    const told = `${faceOf(type)}: ${names.join(", ")}`;
    return el("li", { title: told, "aria-label": told }, faceOf(type), names.length > 1 ? el("b", {}, String(names.length)) : null);
  });
}

function makeMessage(message) {
  const me = personNow();
  const own = message.from.oid === me.oid;
  const person = tenant.people.find((one) => one.oid === message.from.oid);
  const time = new Date(message.time);
  const parts = {
    bubble: el("div", { class: "bubble" }, body(message)),
    reactions: el("ul", { class: "reactions", "aria-label": "Reactions" }, reactions(message)),
    edited: el("span", { class: "edited" }, message.edited && !message.deleted ? "edited" : ""),
    footing: el("span", { class: "told" }, footing(message)),
    drawer: el("div", { class: "drawer", id: `d${message.n}`, hidden: true }),
  };
  const more = el("button", { type: "button", "aria-expanded": "false", "aria-controls": `d${message.n}`, onclick: () => toggleDrawer(message) }, "what happened", icon("chevron"));
  const by = el("p", { class: "by" }, el("b", {}, message.from.name), el("time", { datetime: time.toISOString() }, clock.format(time)), parts.edited);
  const line = el("div", { class: "fate" }, parts.footing, more);
  const node = el("article", { class: `message${own ? " own" : ""}`, "aria-label": `${message.from.name}, ${clock.format(time)}` }, face(message.from.name, person?.key ?? "agent"), el("div", {}, by, parts.bubble, parts.reactions, line, parts.drawer));
  Object.assign(message, { node, parts, more });
  return node;
}

function refresh(message) {
  if (!message?.node?.isConnected) return;
  const { bubble, edited, reactions: row, footing: foot, drawer } = message.parts;
  bubble.replaceChildren(...body(message));
  row.replaceChildren(...reactions(message));
  edited.textContent = message.edited && !message.deleted ? "edited" : "";
  refreshFate(message, foot, drawer);
}

function refreshFate(message, foot = message.parts?.footing, drawer = message.parts?.drawer) {
  if (!message.node?.isConnected) return;
  foot.replaceChildren(...footing(message));
  if (!drawer.hidden) fillDrawer(message);
}

async function toggleDrawer(message) {
  const { drawer } = message.parts;
  const opening = drawer.hidden;
  message.more.setAttribute("aria-expanded", String(opening));
  if (opening) await fillDrawer(message);
  drawer.hidden = !opening;
  if (opening) drawer.scrollIntoView({ block: "nearest" });
}

async function fillDrawer(message) {
  const { drawer } = message.parts;
  const answer = await ask(`/page/hops/${encodeURIComponent(message.id)}`).catch(() => null);
  if (!answer) return drawer.replaceChildren("Nothing is known about this message.");
  const end = Math.max(...answer.hops.map((hop) => hop.start_ms + hop.ms), 0.001);
  const rows = answer.hops.map((hop) => {
    const bar = el("i");
    bar.style.left = `${Math.min(99, Math.max(0, (hop.start_ms / end) * 100))}%`;
    bar.style.width = `${Math.min(100, (hop.ms / end) * 100)}%`;
    const look = hop.name.endsWith("token") ? "token" : hop.name === "connector post" ? "post" : "";
    return el("li", { class: look }, el("span", {}, el("b", {}, hop.name), el("small", {}, hop.detail)), el("span", { class: "track", "aria-hidden": "true" }, bar), el("span", { class: "ms" }, span(hop.ms)));
  });
  const hops = rows.length ? el("ol", { class: "hops" }, rows) : el("p", {}, "Nothing has happened to it yet.");
  const who = message.sender && el("dl", { class: "facts" }, [...(message.sender.idtyp === "user" ? [["agent user", message.sender.oid], ["agent identity", message.sender.azp]] : [["bot", message.sender.azp]]), ["tenant", message.sender.tid]].map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  drawer.replaceChildren(hops, ...(who ? [who] : []));
}

// The conversation.

function emptyHere(agent) {
  if (!agent) {
    return el("div", { class: "empty" }, icon("mark", "mark"), el("h2", {}, "Nobody is hired yet"), el("p", {}, "This tenant has people and no agent. The moment one is hired, it appears here; you need not reload."), el("p", {}, el("code", {}, "entraclaw sandbox"), " hires one for you."));
  }
  const [first] = personNow().name.split(" ");
  const sponsor = agent.sponsors.map((key) => tenant.people.find((p) => p.key === key)?.name.split(" ")[0]).join(" and ");
  const stranger = personNow().tenant !== agent.tenant;
  const about = {
    personal: agent.bot
      ? `${agent.name} is a classic bot. Nobody sponsors it; whether it answers you is its owner's choice.`
      : agent.sponsors.includes(view.person)
      ? `You sponsor ${agent.name}. It has an account of its own in this tenant, and you answer for it.`
      : stranger
        ? `You are from another tenant. See what ${agent.name} does with a stranger.`
        : `You are a colleague. ${sponsor || "Nobody"} sponsors ${agent.name}; whether it answers you is its owner's choice.`,
    groupChat: `Everybody is here. ${agent.name} is addressed when you type @.`,
    channel: `What you write begins a thread. ${agent.name} is addressed when you type @.`,
  }[view.kind];
  const title = view.kind === "personal" ? `${first}, meet ${agent.name}` : `Nothing in ${placeNow().name} yet`;
  const picture = view.kind === "personal" ? face(agent.name, "agent") : el("span", { class: "face plain" }, icon(view.kind === "channel" ? "channel" : "group"));
  const hello = () => {
    $("words").value = view.kind === "personal" ? "Hello, who are you?" : "hello, who are you?";
    setMention(view.kind !== "personal");
    resize();
    $("words").focus();
  };
  return el("div", { class: "empty" }, picture, el("h2", {}, title), el("p", {}, about), el("button", { class: "try", type: "button", onclick: hello }, "Say hello"));
}

function makeThread(key, first) {
  const reply = el("button", { class: "reply", type: "button", onclick: () => setThread(first) }, "Reply in thread");
  return el("section", { class: "thread", "data-thread": key, "aria-label": `Thread begun by ${first.from.name}` }, reply);
}

// Puts one message where it belongs, after those that are there.
function place(message) {
  const node = makeMessage(message);
  const stream = $("stream");
  if (message.place.kind !== "channel") stream.append(node);
  else {
    let thread = stream.querySelector(`[data-thread="${CSS.escape(message.thread)}"]`);
    if (!thread) stream.append((thread = makeThread(message.thread, message)));
    thread.lastChild.before(node);
  }
  return node;
}

function drawStream() {
  const here = placeNow();
  const agent = agentNow();
  $("stream").replaceChildren();
  if (!here || !here.messages.length) $("stream").append(emptyHere(agent));
  else here.messages.forEach(place);
  drawTyping();
  toEnd();
}

function drawTyping() {
  $("stream").querySelector(".typing")?.remove();
  const here = placeNow();
  if (!here?.typing || here.typing.until < Date.now()) return;
  const { name, thread, until } = here.typing;
  const home = here.kind === "channel" ? $("stream").querySelector(`[data-thread="${CSS.escape(thread)}"]`) : null;
  const near = isNear();
  const node = el("p", { class: "typing" }, face(name, "agent"), el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), el("span", {}, `${name} is typing`));
  if (home) home.lastChild.before(node);
  else $("stream").append(node);
  if (near) toEnd();
  setTimeout(drawTyping, until - Date.now() + 50);
}

const isNear = () => $("log").scrollHeight - $("log").scrollTop - $("log").clientHeight < NEAR_PX;

function toEnd() {
  $("log").scrollTop = $("log").scrollHeight;
  $("latest").hidden = true;
}

function drawComposer() {
  const agent = agentNow();
  const here = placeNow();
  const group = view.kind !== "personal";
  $("mention").hidden = !agent || !group;
  $("mention").textContent = agent ? `@${agent.name}` : "";
  $("mention").setAttribute("aria-pressed", String(view.mention));
  $("mention").title = view.mention ? "The message mentions the agent" : "Mention the agent: type @";
  $("words").disabled = !agent;
  const place = view.thread ? "thread" : here?.name;
  $("words").placeholder = !agent ? "There is nobody to write to" : !group ? `Write to ${agent.name}` : view.mention ? "Write a message" : `Write in ${view.thread ? "the thread" : place}, @ to address ${agent.name}`;
  $("context").hidden = !view.thread;
  if (view.thread) {
    const about = view.thread.text.replace(/<\/?at>/g, "").slice(0, 80);
    $("context").replaceChildren(el("span", {}, `In the thread “${about}”`), el("button", { type: "button", onclick: () => setThread(null) }, "Leave it"));
  }
  $("send").disabled = !agent || !$("words").value.trim();
}

function draw() {
  const here = placeNow();
  if (here) view.unread.delete(here.id);
  drawRail();
  drawHead();
  drawStream();
  drawComposer();
}

// What the reader does.

function choose(change) {
  Object.assign(view, { thread: null, mention: false }, change);
  draw();
  const where = view.kind === "personal" ? agentNow()?.name : placeNow()?.name;
  announce(`You are ${personNow().name}, writing to ${where ?? "nobody"}`);
}

function setMention(on) {
  view.mention = on;
  drawComposer();
}

function setThread(first) {
  view.thread = first;
  drawComposer();
  $("words").focus();
}

function resize() {
  const words = $("words");
  words.style.height = "auto";
  words.style.height = `${words.scrollHeight}px`;
  $("send").disabled = words.disabled || !words.value.trim();
}

async function send() {
  const text = $("words").value.trim();
  if (!text || !view.agent) return;
  const said = { person: view.person, agent: view.agent, kind: view.kind, text, mention: view.mention, thread: view.thread?.id ?? null };
  $("words").value = "";
  setMention(false);
  resize();
  toEnd();
  try {
    await ask("/page/messages", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said) });
    notice("");
  } catch (wrong) {
    $("words").value ||= text;
    resize();
    notice(`Not sent: ${wrong.message}`);
  }
}

function listen() {
  document.addEventListener("change", ({ target }) => {
    if (target.name === "person") choose({ person: target.value });
    if (target.name === "place") choose({ kind: target.value });
    if (target.id === "agents") choose({ agent: target.value });
  });
  document.addEventListener("keydown", (event) => {
    const digit = /^Digit([1-6])$/.exec(event.code)?.[1];
    if (event.altKey && !event.ctrlKey && !event.metaKey && digit) {
      event.preventDefault();
      const person = tenant.people[digit - 1];
      choose(person ? { person: person.key } : { kind: KINDS[digit - 4] });
    }
    if (event.key === "Escape") {
      if (openRail(false)) $("switcher").focus();
      else if (view.thread) setThread(null);
    }
  });
  $("words").addEventListener("keydown", (event) => {
    const { selectionStart: at, selectionEnd: to, value } = event.target;
    const group = view.kind !== "personal";
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "@" && group && !view.mention && !/\S/.test(value.slice(at - 1, at))) {
      event.preventDefault();
      setMention(true);
    } else if (event.key === "Backspace" && view.mention && at === 0 && to === 0) {
      setMention(false);
    }
  });
  $("words").addEventListener("input", resize);
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  $("mention").addEventListener("click", () => {
    setMention(!view.mention);
    $("words").focus();
  });
  $("latest").addEventListener("click", toEnd);
  $("log").addEventListener("scroll", () => isNear() && ($("latest").hidden = true), { passive: true });
  $("switcher").addEventListener("click", () => openRail(!$("rail").classList.contains("open")));
  // A tap has chosen; arrow keys are still choosing, and come without a pointer.
  $("rail").addEventListener("click", (event) => event.detail && event.target.matches("input") && openRail(false));
}

function openRail(open) {
  const was = $("rail").classList.contains("open");
  $("rail").classList.toggle("open", open);
  $("switcher").setAttribute("aria-expanded", String(open));
  return was && !open;
}

function announce(text) {
  $("announce").textContent = text;
}

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

// The wire.

async function ask(path, how = {}) {
  const response = await fetch(path, how);
  const document = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(document.error ?? `the sandbox answered ${response.status}`);
  return document;
}

const heard = {
  entry(entry) {
    const message = learnEntry(entry);
    const here = placeNow();
    if (entry.conversation !== here?.id) {
      if (entry.kind === "message") view.unread.add(entry.conversation);
      return drawRail();
    }
    if (entry.kind === "message") arrive(message, here);
    else if (message) refresh(message);
    drawTyping();
  },
  delivery(delivery) {
    tenant.deliveries.set(delivery.id, delivery);
    const message = placeNow()?.byId.get(delivery.id);
    if (message) refreshFate(message);
  },
  token(token) {
    learnToken(token);
    drawHead();
  },
  agent({ agent, conversations }) {
    const isNew = !agentOf(agent.user);
    learnAgent(agent);
    conversations.forEach(learnPlace);
    if (isNew && (!view.agent || !$("words").value)) {
      choose({ agent: agent.user });
      // The composer had nobody to write to until now, and could not be focused.
      if (document.activeElement === document.body) $("words").focus();
    } else {
      drawRail();
      drawHead();
      drawComposer();
    }
  },
};

function arrive(message, here) {
  const own = message.from.oid === personNow().oid;
  const near = isNear();
  $("stream").querySelector(".empty")?.remove();
  place(message).classList.add("arrives");
  const question = message.answers && here.byId.get(message.answers);
  if (question) refreshFate(question);
  if (own || near) toEnd();
  else $("latest").hidden = false;
  if (!own) announce(`${message.from.name}: ${message.text.replace(/<\/?at>/g, "").slice(0, 300)}`);
}

function follow(last) {
  const events = new EventSource(`/page/events?after=${last}`);
  for (const [name, hear] of Object.entries(heard)) {
    events.addEventListener(name, (event) => hear(JSON.parse(event.data)));
  }
  events.addEventListener("open", () => notice(""));
  events.addEventListener("error", () => {
    const gone = events.readyState === EventSource.CLOSED;
    notice(gone ? "This sandbox has ended. Start it again and open the URL it prints." : "The sandbox does not answer. Trying again.");
  });
}

async function begin() {
  const state = await ask("/page/state");
  Object.assign(tenant, { people: state.people, agents: state.agents });
  state.deliveries.forEach((delivery) => tenant.deliveries.set(delivery.id, delivery));
  state.conversations.forEach(learnPlace);
  state.tokens.forEach(learnToken);
  view.agent = tenant.agents[0]?.user ?? null;
  listen();
  draw();
  // On a touch screen, focus would raise the keyboard over what there is to read.
  if (!matchMedia("(pointer: coarse)").matches) $("words").focus();
  follow(state.last);
}

begin().catch((wrong) => notice(`The page could not begin: ${wrong.message}`));
