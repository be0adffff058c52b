// One session of the real TypeScript MCP client, told as JSON on standard output.
//
// Usage: walk.cjs PLAN.json NODE_MODULES. The plan and the story are those of walk.py; this client
// speaks only the handshake era.

"use strict";

const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const installed = createRequire(`${process.argv[3]}/`);
const sdk = (file) => installed(`@modelcontextprotocol/sdk/${file}`);
const { Client } = sdk("client/index.js");
const { StdioClientTransport } = sdk("client/stdio.js");
const { StreamableHTTPClientTransport } = sdk("client/streamableHttp.js");
const types = sdk("types.js");

const PATIENCE_MS = 60_000;

async function told(step) {
  try {
    return await step;
  } catch (error) {
    if (error instanceof types.McpError) return { error: [error.code, error.message, error.data] };
    throw error;
  }
}

class Walk {
  constructor(plan) {
    this.plan = plan;
    this.heard = [];
    this.waiting = () => {};
    this.client = new Client(
      { name: "walk", version: "1.0.0" },
      { capabilities: { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } } },
    );
    const answer = (schema, reply) =>
      this.client.setRequestHandler(schema, (request) => {
        const { method, params } = request;
        if (method !== "roots/list") this.note(method, params);
        return reply(params);
      });
    answer(types.CreateMessageRequestSchema, () => ({
      role: "assistant",
      content: { type: "text", text: "sampled" },
      model: "test-model",
    }));
    answer(types.ElicitRequestSchema, (params) =>
      params.requestedSchema
        ? { action: "accept", content: plan.entered }
        : { action: "decline" },
    );
    answer(types.ListRootsRequestSchema, () => ({
      roots: plan.roots.map((uri) => ({ uri, name: "root" })),
    }));
    this.client.fallbackNotificationHandler = async ({ method, params }) => this.note(method, params);
  }

  connect() {
    const { server } = this.plan;
    const transport =
      typeof server === "string"
        ? new StreamableHTTPClientTransport(new URL(server))
        : new StdioClientTransport(server);
    // The client tells its transport what was agreed on, and nobody else.
    const agreed = transport.setProtocolVersion?.bind(transport);
    transport.setProtocolVersion = (revision) => {
      this.revision = revision;
      agreed?.(revision);
    };
    return this.client.connect(transport);
  }

  note(method, what) {
    this.heard.push([method, what]);
    this.waiting();
  }

  async all(page, member) {
    const pages = [];
    let cursor;
    do {
      const result = await page({ cursor });
      pages.push(result);
      cursor = result.nextCursor;
    } while (cursor !== undefined);
    return { pages, names: pages.flatMap((one) => one[member].map((item) => item.name)) };
  }

  async call(name, given) {
    const progress = [];
    const onprogress = ({ progress: done, total, message }) => {
      // This client forgets who asked as soon as the result is there, and so may lose the last
      // notification when both arrive in one read.
      if (done !== total) progress.push([done, total, message]);
    };
    const result = await told(
      this.client.callTool({ name, arguments: given }, undefined, { onprogress }),
    );
    return { result, progress };
  }

  // A call that becomes a task, up to its result.
  async task(name, given) {
    const told = [];
    const stream = this.client.experimental.tasks.callToolStream({ name, arguments: given });
    for await (const message of stream) {
      // How often a task is looked at depends on the hour; how it starts and ends does not.
      if (message.type !== "taskStatus") told.push(message);
      if (message.type === "error") told.push(message.error.message);
    }
    return told;
  }

  async cancel(name, given) {
    const given_up = new AbortController();
    const onprogress = () => given_up.abort("enough");
    try {
      await this.client.callTool({ name, arguments: given }, undefined, {
        onprogress,
        signal: given_up.signal,
      });
      return { cancelled: false };
    } catch {
      return { cancelled: given_up.signal.aborted };
    }
  }

  async step(verb, ...given) {
    const { client } = this;
    switch (verb) {
      case "call":
        return this.call(...given);
      case "task":
        return this.task(...given);
      case "cancel":
        return this.cancel(...given);
      case "prompt":
        return told(client.getPrompt({ name: given[0], arguments: given[1] ?? undefined }));
      case "read":
        return told(client.readResource({ uri: given[0] }));
      case "complete": {
        const [[kind, of], name, value] = given;
        const ref = kind === "prompt" ? { type: "ref/prompt", name: of } : { type: "ref/resource", uri: of };
        return told(client.complete({ ref, argument: { name, value } }));
      }
      case "subscribe":
        return told(client.subscribeResource({ uri: given[0] }));
      case "unsubscribe":
        return told(client.unsubscribeResource({ uri: given[0] }));
      case "level":
        return told(client.setLoggingLevel(given[0]));
      case "ping":
        return told(client.ping());
      case "roots-changed":
        return (await client.sendRootsListChanged()) ?? null;
      case "hear":
        return this.hear(given[0]);
      default:
        throw new Error(verb);
    }
  }

  // Until a message that has these words has come.
  hear(words) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${words} was not heard`)), PATIENCE_MS);
      this.waiting = () => {
        if (!this.heard.some((one) => JSON.stringify(one).includes(words))) return;
        clearTimeout(late);
        resolve("heard");
      };
      this.waiting();
    });
  }

  async walk() {
    await this.connect();
    const { client, plan } = this;
    const capabilities = client.getServerCapabilities();
    const story = {
      revision: this.revision,
      server: client.getServerVersion(),
      instructions: client.getInstructions() ?? null,
      capabilities,
    };
    const list = (method, member) => this.all((page) => client[method](page), member);
    story.tools = await list("listTools", "tools");
    if (capabilities.prompts) story.prompts = await list("listPrompts", "prompts");
    if (capabilities.resources) {
      story.resources = await list("listResources", "resources");
      story.templates = await list("listResourceTemplates", "resourceTemplates");
    }
    const called = new Set(plan.steps.map(([, name]) => name));
    const rest = story.tools.names.filter((name) => !called.has(name)).map((name) => ["call", name, {}]);
    story.steps = [];
    for (const step of [...rest, ...plan.steps]) story.steps.push([step, await this.step(...step)]);
    await client.close();
    story.heard = this.heard;
    return story;
  }
}

async function main() {
  const walk = new Walk(JSON.parse(readFileSync(process.argv[2], "utf-8")));
  process.stdout.write(JSON.stringify(await walk.walk()));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
