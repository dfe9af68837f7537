/*
 * Script of the notebook widget: it shows the page in a frame, and asks it for the selected rows.
 */

const INTERVAL_MS = 300;

/** Return the selected points of the page, or none while it is loading. */
function selectedPoints(frame) {
  try {
    return frame.contentWindow?.latentmap?.selectedRows() ?? [];
  } catch {
    return []; // Some hosts do not let a notebook look into a frame.
  }
}

export default {
  render({ model, el }) {
    const frame = document.createElement("iframe");
    frame.title = "latentmap explorer";
    Object.assign(frame.style, { width: "100%", height: `${model.get("height")}px`, border: "0" });
    frame.srcdoc = model.get("page");
    el.append(frame);
    let sent = "";
    const timer = setInterval(() => {
      const points = [...selectedPoints(frame)];
      if (points.join() === sent) return;
      sent = points.join();
      model.set("selected_points", points);
      model.save_changes();
    }, INTERVAL_MS);
    return () => clearInterval(timer);
  },
};
