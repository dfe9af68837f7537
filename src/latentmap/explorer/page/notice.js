/*
 * One sentence for the user, over the map until it is closed: mostly the server's own words about
 * a file that it could not read.
 */

function showNotice(sentence) {
  const notice = byId("notice");
  notice.querySelector("p").textContent = sentence;
  notice.querySelector(".close").onclick = closeNotice;
  notice.hidden = false;
}

function closeNotice() {
  byId("notice").hidden = true;
}
