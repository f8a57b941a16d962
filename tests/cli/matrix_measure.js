// SPDX-License-Identifier: GPL-2.0-or-later
// Runs in a page of `portd-ctl matrix`: measures what a browser made of it, and leaves in the page
// an element "problems" with what is wrong, a line each.
const problems = [];
const wrong = (...what) => problems.push(what.join(" "));
const name = (element) => (element.textContent || element.tagName).trim().slice(0, 60);

const inside = (a, b, by) =>
    a.left >= b.left - by && a.right <= b.right + by && a.top >= b.top - by && a.bottom <= b.bottom + by;
const overlap = (a, b, by) =>
    a.left < b.right - by && b.left < a.right - by && a.top < b.bottom - by && b.top < a.bottom - by;
const pairs = (list, then) => list.forEach((a, i) => list.slice(i + 1).forEach((b) => then(a, b)));

// --- colours: WCAG 2.1, 1.4.3 ---

const channels = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
const luminance = ([r, g, b]) => {
    const part = (v) => (v /= 255, v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
};
const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
        const colour = channels(getComputedStyle(e).backgroundColor);
        if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return channels(matchMedia("(prefers-color-scheme: dark)").matches ? "18 18 18" : "255 255 255");
};
const measureContrast = (element, ink, paper) => {
    const ratio = contrast(ink, paper);
    if (ratio < 4.5) wrong("contrast", ratio.toFixed(2), "of", name(element));
};

// --- pictures ---

const sourceOf = (group) => group.querySelector("title").textContent.split(" \u2192 ")[0];

// Lines of two boxes that lie on each other, not those that cross.
const measureLines = (picture, boxes) => {
    const taken = new Map();
    let shared = 0;
    picture.querySelectorAll("path.line").forEach((line) => {
        const matrix = line.getScreenCTM(), source = sourceOf(line.parentElement);
        const at = (n) => line.getPointAtLength(n).matrixTransform(matrix);
        for (let n = 0; n + 1 < line.getTotalLength(); n += 2) {
            const p = at(n), q = at(n + 1);
            const direction = Math.abs(p.x - q.x) > Math.abs(p.y - q.y) ? "-" : "|";
            const key = `${Math.round(p.x / 2)} ${Math.round(p.y / 2)} ${direction}`;
            boxes.forEach((box) => {
                const r = box.getBoundingClientRect();
                if (p.x > r.left + 1 && p.x < r.right - 1 && p.y > r.top + 1 && p.y < r.bottom - 1)
                    wrong("a line of", source, "runs through", name(box.parentElement));
            });
            if (taken.has(key) && taken.get(key) !== source) shared++;
            taken.set(key, source);
        }
    });
    if (shared > 4) wrong("lines lie on each other at", shared, "places");
};

const measurePicture = (picture) => {
    const boxes = [...picture.querySelectorAll("rect.box")];
    const texts = [...picture.querySelectorAll("text")];
    if (boxes.length < 2) wrong("a picture without boxes");
    pairs(boxes, (a, b) => {
        if (overlap(a.getBoundingClientRect(), b.getBoundingClientRect(), 0))
            wrong("boxes overlap:", name(a.parentElement), "and", name(b.parentElement));
    });
    pairs(texts, (a, b) => {
        if (overlap(a.getBoundingClientRect(), b.getBoundingClientRect(), 1))
            wrong("texts overlap:", name(a), "and", name(b));
    });
    texts.forEach((text) => {
        const box = text.parentElement.querySelector(":scope > rect.box"), paper = picture.querySelector(".paper");
        if (text.getBoundingClientRect().width === 0) wrong("an empty text, or no font");
        if (box && !inside(text.getBoundingClientRect(), box.getBoundingClientRect(), 0.5))
            wrong("out of its box:", name(text));
        if (!inside(text.getBoundingClientRect(), picture.getBoundingClientRect(), 0.5))
            wrong("out of the picture:", name(text));
        const behind = box || paper;
        if (behind)
            measureContrast(text, channels(getComputedStyle(text).fill), channels(getComputedStyle(behind).fill));
    });
    measureLines(picture, boxes);
};

// --- pages ---

const measurePage = () => {
    if (document.documentElement.scrollWidth > innerWidth) wrong("the page is wider than its window");
    document.querySelectorAll("td,th").forEach((cell) => {
        if (cell.scrollWidth > cell.clientWidth + 1) wrong("a cell is too narrow for", name(cell));
    });
    document.querySelectorAll("p,li,td,th,code,a,h1,h2,h3").forEach((e) => {
        if ([...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
            measureContrast(e, channels(getComputedStyle(e).color), background(e));
    });
};

const scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
document.querySelectorAll("svg.picture").forEach(measurePicture);
measurePage();
const result = document.createElement("pre");
result.id = "problems";
result.textContent = [`measured ${scheme}`, ...new Set(problems)].join("\n");
document.currentScript.remove();
document.body.append(result);
