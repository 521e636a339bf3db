/* Danish for plotly.js, from plotly.js-locales 3.7.0 (MIT, Plotly, Inc.; LICENSE.locales beside this
   file), wrapped for browsers: load it before plotly-cartesian.min.js, which registers it. */
window.PlotlyLocales = window.PlotlyLocales || [];
window.PlotlyLocales.push({
  moduleType: "locale",
  name: "da",
  dictionary: {},
  format: {
    days: ["Søndag", "Mandag", "Tirsdag", "Onsdag", "Torsdag", "Fredag", "Lørdag"],
    shortDays: ["Søn", "Man", "Tir", "Ons", "Tor", "Fre", "Lør"],
    months: [
      "Januar", "Februar", "Marts", "April", "Maj", "Juni",
      "Juli", "August", "September", "Oktober", "November", "December"
    ],
    shortMonths: [
      "Jan", "Feb", "Mar", "Apr", "Maj", "Jun",
      "Jul", "Aug", "Sep", "Okt", "Nov", "Dec"
    ],
    date: "%d-%m-%Y",
    decimal: ",",
    thousands: "."
  }
});
