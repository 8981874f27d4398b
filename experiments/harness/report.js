"use strict";
(() => {
  const { figures, light, dark, twins } = JSON.parse(
    document.getElementById("report-data").textContent,
  );
  const night = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 640px)");
  const touch = matchMedia("(hover: none)");
  let printing = false;

  // A fresh copy on every draw: Plotly decodes typed arrays in place.
  // In the dark each colour becomes its twin; alpha digits that follow it stay.
  const copy = (value, darken) => {
    if (typeof value === "string") {
      const twin = darken && value[0] === "#" && twins[value.slice(0, 7).toLowerCase()];
      return twin ? twin + value.slice(7) : value;
    }
    if (Array.isArray(value)) return value.map((item) => copy(item, darken));
    if (value === null || typeof value !== "object") return value;
    if ("bdata" in value) return { ...value };
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, copy(item, darken)]),
    );
  };

  const webgl = (() => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("webgl2") || canvas.getContext("webgl");
    const lose = context && context.getExtension("WEBGL_lose_context");
    if (lose) lose.loseContext();
    return Boolean(context);
  })();

  const notice = (div, state, text) => {
    const line = document.createElement("p");
    line.className = "notice";
    line.textContent = text;
    div.replaceChildren(line);
    div.removeAttribute("style");
    div.classList.add("empty");
    div.dataset.state = state;
  };

  const draw = async (spec) => {
    const div = document.getElementById(spec.id);
    if (div.classList.contains("empty")) return;
    if (!window.Plotly) {
      notice(div, "no-library", "plotly.min.js is not where this page expects it, so this " +
        "figure cannot be drawn. A report made with --standalone needs no other file.");
      return;
    }
    if (spec.webgl && !webgl) {
      notice(div, "no-webgl", "This figure needs WebGL, which this browser does not offer.");
      return;
    }
    const darken = night.matches && !printing;
    const small = narrow.matches && !printing;
    const template = copy(darken ? dark : light, false);
    if (small) template.layout.font.size = 11;
    const layout = { ...copy(spec.layout, darken), template, autosize: true, uirevision: "kept" };
    if (printing) Object.assign(layout, { width: 660, height: spec.scene ? 460 : 340 });
    // A finger that drags across a flat plot means to scroll the page.
    if (touch.matches && !spec.scene) layout.dragmode = false;
    const config = {
      responsive: true,
      displaylogo: false,
      displayModeBar: touch.matches ? false : "hover",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "resetCameraLastSave3d"],
      toImageButtonOptions: { format: "svg", filename: spec.id },
    };
    try {
      await Plotly.react(div, copy(spec.data, darken), layout, config);
      div.dataset.state = "drawn";
    } catch (error) {
      notice(div, "failed", `This figure could not be drawn: ${error.message}`);
      console.error(error);
    }
  };

  // One pass at a time, so that a change of scheme never meets a half-drawn figure.
  let queue = Promise.resolve();
  const redraw = () => {
    queue = queue.then(async () => {
      delete document.documentElement.dataset.scheme;
      for (const spec of figures) await draw(spec);
      document.documentElement.dataset.scheme = night.matches ? "dark" : "light";
    });
  };
  redraw();
  night.addEventListener("change", redraw);
  narrow.addEventListener("change", redraw);
  // Printing does not wait for a queue.
  const forPrint = (flag) => () => {
    printing = flag;
    figures.forEach(draw);
  };
  addEventListener("beforeprint", forPrint(true));
  addEventListener("afterprint", forPrint(false));

  const command = document.getElementById("run-command");
  const copied = document.getElementById("run-copied");
  document.getElementById("run-copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      copied.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(command);
      copied.textContent = "Selected: copy it with Ctrl+C or ⌘C.";
    }
  });
})();
