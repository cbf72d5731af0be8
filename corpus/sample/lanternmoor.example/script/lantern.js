// Lights the lantern on the front page after dusk. Dusk is six o'clock, by vote of the committee.
"use strict";
const hour = new Date().getHours();
document.documentElement.classList.toggle("lit", hour >= 18 || hour < 6);
