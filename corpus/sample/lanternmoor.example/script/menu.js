// Marks the link of the section you are in. Works without, too.
"use strict";
for (const link of document.querySelectorAll("nav a")) {
  const section = link.getAttribute("href").split("/").slice(-2)[0];
  if (section && location.pathname.includes("/" + section + "/")) {
    link.setAttribute("aria-current", "true");
  }
}
