// What the page does in the browser: camera, countdown, recording, live recognition. No library.
window.signflow = (() => {
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const FORMATS = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

  async function openCamera() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("The browser gives the camera to https pages and to this computer's own only.");
    }
    try {
      return await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" },
        audio: false,
      });
    } catch (error) {
      const said = {
        NotAllowedError: "The browser was told not to use the camera. Allow it for this page and try again.",
        NotFoundError: "There is no camera here. Choose a video file instead.",
        NotReadableError: "Another program uses the camera. Close it and try again.",
      };
      throw new Error(said[error.name] || `The camera cannot be used (${error.message}).`);
    }
  }

  const closeCamera = (stream) => stream?.getTracks().forEach((track) => track.stop());

  // The camera goes off when its tab is left: nobody should be filmed by a page not looked at.
  function whenHidden(element, react) {
    new IntersectionObserver((seen) => {
      if (!seen[seen.length - 1].isIntersecting && element.offsetParent === null) react();
    }).observe(element);
  }

  // Value of a Gradio text field, by the id of its block.
  const field = (id) => document.querySelector(`#${id} input, #${id} textarea`);

  // A stage with a camera and a way to choose a file; gives `clip` with what was uploaded.
  function camera(element, { trigger, upload, props }) {
    const root = element.querySelector(".sf-camera");
    const at = (name) => root.querySelector(name);
    const video = at("video"), note = at(".sf-note"), input = at("input[type=file]");
    const record = at("[data-do=record]"), choose = at("[data-do=file]");
    let stream = null, recorder = null, shown = null, turn = 0;

    const say = (text, bad = false) => {
      note.textContent = text;
      note.classList.toggle("sf-bad", bad);
    };
    const become = (state) => {
      root.dataset.state = state;
      record.querySelector("span").textContent = {
        count: "Cancel", recording: "Stop", sending: "Sending…", shown: "Record again",
      }[state] || "Record";
      record.disabled = state === "sending";
      choose.disabled = ["count", "recording", "sending"].includes(state);
    };
    const release = () => {
      if (shown) URL.revokeObjectURL(shown);
      shown = null;
    };

    async function live() {
      release();
      if (!stream?.active) stream = await openCamera();
      video.loop = video.controls = false;
      video.srcObject = stream;
      await video.play();
    }

    async function send(file) {
      const largest = props.most_bytes;
      if (file.size > largest) {
        become(stream?.active ? "live" : "idle");
        return say(`${file.name} is too large: at most ${Math.round(largest / 2 ** 20)} MB.`, true);
      }
      become("sending");
      say("Sending the clip…");
      try {
        const { path } = await upload(file);
        say("");
        trigger("clip", { path, name: file.name });
      } catch (error) {
        become(stream?.active ? "live" : "idle");
        return say(`The clip could not be sent: ${error.message || error}`, true);
      }
      if (props.stays_live && stream?.active) return become("live");
      closeCamera(stream);
      release();
      shown = URL.createObjectURL(file);
      video.srcObject = null;
      video.src = shown;
      video.loop = true;
      video.play().catch(() => {});
      become("shown");
    }

    async function count() {
      const mine = ++turn;
      become("count");
      for (const number of [3, 2, 1]) {
        at(".sf-count").textContent = number;
        await wait(props.count_milliseconds);
        if (mine !== turn) return false;
      }
      return true;
    }

    function film(seconds) {
      const format = FORMATS.find((name) => MediaRecorder.isTypeSupported(name));
      const parts = [], started = performance.now();
      recorder = new MediaRecorder(stream, { mimeType: format, videoBitsPerSecond: 4e6 });
      become("recording");
      return new Promise((done) => {
        const tick = () => {
          const passed = (performance.now() - started) / 1000;
          at(".sf-clock").textContent = `${passed.toFixed(1)} s`;
          at(".sf-bar i").style.width = `${Math.min(100, (100 * passed) / seconds)}%`;
          if (passed >= seconds && recorder.state === "recording") recorder.stop();
          else if (recorder.state === "recording") setTimeout(tick, 50);
        };
        recorder.ondataavailable = (event) => parts.push(event.data);
        recorder.onstop = () => {
          const end = format.startsWith("video/mp4") ? "mp4" : "webm";
          done(new File(parts, `recording.${end}`, { type: format.split(";")[0] }));
        };
        recorder.start();
        tick();
      });
    }

    record.addEventListener("click", async () => {
      const state = root.dataset.state;
      if (state === "count") {
        turn += 1;
        return become("live");
      }
      if (state === "recording") return recorder.stop();
      for (const [id, text] of props.needs || []) {
        if (!field(id)?.value.trim()) {
          field(id)?.focus();
          return say(text, true);
        }
      }
      say("");
      try {
        await live();
        if (await count()) await send(await film(Number(at("select").value)));
      } catch (error) {
        become("idle");
        say(error.message, true);
      }
    });
    choose.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = "";
      if (!file) return;
      for (const [id, text] of props.needs || []) {
        if (!field(id)?.value.trim()) return say(text, true);
      }
      send(file);
    });
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0] && !choose.disabled) send(event.dataTransfer.files[0]);
    });
    whenHidden(root, () => {
      if (!stream) return;
      turn += 1;
      if (recorder?.state === "recording") recorder.stop();
      closeCamera(stream);
      stream = null;
      if (root.dataset.state !== "shown") become("idle");
    });
    become("idle");
  }

  // Buttons inside a list that Python draws: data-do="NAME" gives the event NAME with data-clip.
  function buttons(element, { trigger }) {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) trigger(button.dataset.do, { clip: button.dataset.clip || "" });
      const film = event.target.closest("video[data-film]");
      if (film) film.paused ? film.play() : film.pause();
    });
    element.addEventListener("mouseover", (event) => {
      const film = event.target.closest("video[data-film]");
      if (film) film.play().catch(() => {});
    });
  }

  return { camera, buttons, openCamera, closeCamera, whenHidden, wait };
})();
