// Pages on a disk may start no worker, and the theme's search is one: there it runs in a frame.
// The name is the one by which the plugin `offline` knows that such a script is there already.

if (window.location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.title = "Search worker";
      document.body.append(this.frame);
      const { contentWindow, contentDocument } = this.frame;
      contentWindow.postMessage = (data) => tell(this, data);
      const script = contentDocument.createElement("script");
      script.src = new URL(url, window.location.href);
      this.ready = new Promise((resolve) => script.addEventListener("load", resolve));
      contentDocument.head.append(script);
    }

    async postMessage(data) {
      await this.ready;
      tell(this.frame.contentWindow, data);
    }

    terminate() {
      this.frame.remove();
    }
  };
}

function tell(target, data) {
  target.dispatchEvent(new MessageEvent("message", { data }));
}
