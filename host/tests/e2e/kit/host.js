// A host such as the Node ones: starts the shim with pipes of its own kind, floods it in both directions,
// closes it, and tells how that went. Usage: host.js SHIM [ARGUMENTS…]
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
const told = { answers: 0, big: 0, errors: "" };
told.socket = fs.readlinkSync(`/proc/${child.pid}/fd/0`).startsWith("socket:");
child.stderr.on("data", (data) => (told.errors += data));
const send = (message) => child.stdin.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
let rest = "";
child.stdout.setEncoding("utf8");
child.stdout.on("data", (data) => {
  const lines = (rest + data).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const message = JSON.parse(line);
    if (typeof message.id === "number" && message.result.text === `n${message.id}`) told.answers++;
    if (message.id === "big") {
      told.big = message.result.text.length;
      child.stdin.end();
    }
  }
});
child.on("close", (code) => {
  told.code = code;
  console.log(JSON.stringify(told));
});
for (let id = 0; id < 2000; id++) send({ id, method: "x/echo", params: { text: `n${id}` } });
send({ id: "loud", method: "x/complain", params: { text: "from the server" } });
send({ id: "big", method: "x/echo", params: { text: "y".repeat(3 << 20) } });
