// Answers what npm's semver makes of versions and ranges; asked by tests/references.rs.
const semver = require(process.argv[2]);
const { versions, ranges } = JSON.parse(require("fs").readFileSync(0, "utf8"));
// npm reads a dependency's version loosely (npm-package-arg).
const valid = versions.map((v) => semver.valid(v) !== null);
const loose = versions.map((v) => semver.valid(v, true) !== null);
const order = versions.map((a, i) =>
  versions.map((b, j) => (valid[i] && valid[j] ? semver.compare(a, b) : null)),
);
const readable = ranges.map((r) => semver.validRange(r, true) !== null);
// With pre-releases: what an install could pick in the widest case.
const contains = ranges.map((r, i) =>
  versions.map((v, j) =>
    readable[i] && valid[j] ? semver.satisfies(v, r, { loose: true, includePrerelease: true }) : false,
  ),
);
console.log(JSON.stringify({ valid, loose, order, readable, contains }));
