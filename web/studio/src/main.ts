import { mount } from "svelte";
import "./style/base.css";
import "./style/reading.css";
import App from "./App.svelte";

mount(App, { target: document.getElementById("app")! });
// Where the address is neither this machine's nor encrypted, browsers have none; then the page opens only while the server is there.
if (import.meta.env.PROD) navigator.serviceWorker?.register("/worker.js").catch(() => undefined);
