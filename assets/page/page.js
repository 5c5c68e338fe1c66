// Shows the images of data.js. All that comes from there is set as text, never as markup.
"use strict";
(() => {
  const { title, images, recipes } = promptsheet;
  const find = (id) => document.getElementById(id);
  const grid = find("grid"), text = find("text"), favourites = find("favourites");
  const full = find("full"), picture = find("picture"), stage = find("stage");
  const path = (name) => name.split("/").map(encodeURIComponent).join("/");
  const name = (image) => `${image.row}:${image.variation}`;

  document.title = title || "Images";
  find("title").textContent = document.title;
  const starred = images.some((image) => image.favourite);
  find("favourites-label").hidden = !starred;
  document.querySelectorAll(".of-favourites").forEach((each) => { each.hidden = !starred; });
  document.querySelectorAll(".of-recipe").forEach((each) => { each.hidden = !recipes; });

  const made = (tag, kind, words) => {
    const element = document.createElement(tag);
    element.className = kind;
    element.textContent = words;
    return element;
  };

  const cells = images.map((image, index) => {
    const cell = made("button", "cell", "");
    cell.type = "button";
    cell.dataset.index = index;
    cell.title = image.prompt || "";
    const small = document.createElement("img");
    small.loading = "lazy";
    small.decoding = "async";
    small.alt = image.prompt || `Image ${name(image)}`;
    small.src = path(image.thumbnail);
    const number = made("span", "number", name(image));
    if (image.favourite) number.append(made("span", "star", " ★"));
    cell.append(small, number);
    if (image.prompt) {
      const words = made("span", "words", image.prompt);
      words.dir = "auto";
      cell.append(words);
    }
    return cell;
  });
  grid.append(...cells);
  const sought = images.map((image) => `${name(image)} ${image.prompt || ""}`.toLowerCase());

  // ---------------------------------------------------------------- which are shown

  let shown = images.map((_, index) => index);
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = [];
    images.forEach((image, index) => {
      const fits = (!favourites.checked || image.favourite)
        && words.every((word) => sought[index].includes(word));
      cells[index].hidden = !fits;
      if (fits) shown.push(index);
    });
    const all = images.length.toLocaleString("en");
    const some = shown.length.toLocaleString("en");
    find("count").textContent = shown.length === images.length ? `${all} images` : `${some} of ${all} images`;
    find("nothing").hidden = shown.length > 0;
  };
  text.addEventListener("input", filter);
  favourites.addEventListener("change", filter);

  // ---------------------------------------------------------------- one of them, large

  let at = 0;
  const show = (index) => {
    at = index;
    const image = images[index];
    picture.src = path(image.file);
    picture.alt = image.prompt || `Image ${name(image)}`;
    const position = shown.indexOf(index);
    find("about").textContent = `${name(image)}${image.favourite ? " ★" : ""} · ${position + 1} of ${shown.length} · ${image.width} × ${image.height}`;
    find("prompt").textContent = image.prompt || "";
    find("recipe-text").textContent = image.recipe || "";
    if (!full.open) {
      full.showModal();
      full.focus();
    }
    const next = shown[position + 1];
    if (next !== undefined) new Image().src = path(images[next].file);
  };
  const step = (by) => {
    const to = shown[shown.indexOf(at) + by];
    if (to !== undefined) show(to);
  };
  const leave = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    full.close();
    cells[at].focus();
  };
  full.addEventListener("cancel", (event) => { event.preventDefault(); leave(); });
  const zoom = () => stage.classList.toggle("zoomed");
  const showRecipe = () => { if (recipes) find("recipe").hidden = !find("recipe").hidden; };
  const screen = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (full.requestFullscreen) full.requestFullscreen().catch(() => {});
  };

  const said = (words) => {
    find("about").textContent = words;
    setTimeout(() => { if (full.open) show(at); }, 1500);
  };
  const copyBySelection = (words) => {
    const area = document.createElement("textarea");
    area.value = words;
    full.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async () => {
    if (!recipes) return;
    const words = images[at].recipe;
    let done = true;
    try {
      await navigator.clipboard.writeText(words);
    } catch {
      done = copyBySelection(words);
    }
    said(done ? "The recipe is copied." : "The browser lets nothing be copied: mark it with the mouse.");
  };

  grid.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell");
    if (cell) show(Number(cell.dataset.index));
  });
  const buttons = {
    previous: () => step(-1), next: () => step(1), zoom, "show-recipe": showRecipe, copy, screen,
    close: leave,
  };
  for (const [id, act] of Object.entries(buttons)) find(id).addEventListener("click", act);
  stage.addEventListener("click", zoom);

  // ---------------------------------------------------------------- keys

  const columns = () => {
    const first = cells[shown[0]];
    const below = shown.findIndex((index) => cells[index].offsetTop > first.offsetTop);
    return below < 0 ? shown.length : below;
  };
  const move = (to) => {
    const cell = cells[shown[Math.max(0, Math.min(shown.length - 1, to))]];
    if (!cell) return;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest" });
  };
  const inGrid = {
    ArrowRight: 1, l: 1, ArrowLeft: -1, h: -1,
    ArrowDown: () => columns(), j: () => columns(), ArrowUp: () => -columns(), k: () => -columns(),
    Home: -Infinity, g: -Infinity, End: Infinity, G: Infinity,
  };
  const inFull = {
    ArrowRight: () => step(1), l: () => step(1), n: () => step(1), " ": () => step(1),
    ArrowLeft: () => step(-1), h: () => step(-1), N: () => step(-1), Backspace: () => step(-1),
    Home: () => show(shown[0]), g: () => show(shown[0]),
    End: () => show(shown[shown.length - 1]), G: () => show(shown[shown.length - 1]),
    z: zoom, r: showRecipe, y: copy, s: screen, q: leave,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (full.open) {
      // A zoomed picture is scrolled by its arrows.
      const scrolls = stage.classList.contains("zoomed") && event.key.startsWith("Arrow");
      const presses = event.key === " " && event.target.tagName === "BUTTON";
      const act = scrolls || presses ? undefined : inFull[event.key];
      if (act) { event.preventDefault(); act(); }
      return;
    }
    if (event.target === text) {
      if (event.key === "Escape") { text.value = ""; filter(); text.blur(); event.preventDefault(); }
      if (event.key === "ArrowDown" || event.key === "Enter") { move(0); event.preventDefault(); }
      return;
    }
    if (event.key === "/") { text.focus(); text.select(); event.preventDefault(); return; }
    if (event.key === "F" && starred) { favourites.checked = !favourites.checked; filter(); return; }
    if (event.key === "Escape") { text.value = ""; favourites.checked = false; filter(); return; }
    const by = inGrid[event.key];
    if (by === undefined || !shown.length) return;
    event.preventDefault();
    const here = shown.indexOf(Number(document.activeElement?.dataset?.index ?? -1));
    move(here < 0 ? 0 : here + (typeof by === "function" ? by() : by));
  });

  filter();
})();
