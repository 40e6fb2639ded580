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

  // The camera's pictures go to the server one by one; the next when the last was answered, so that
  // a slow machine sees fewer and never falls behind. `server.look` answers with the signs so far.
  function live(element, { server }) {
    const root = element.querySelector(".sf-camera");
    const at = (name) => root.querySelector(name);
    const video = at("video"), button = at("[data-do=live]"), canvas = document.createElement("canvas");
    const timeline = at(".sf-timeline"), SHOWN = 20;
    let stream = null, running = false, turn = 0;

    const say = (text, bad = false) => {
      at(".sf-note").textContent = text;
      at(".sf-note").classList.toggle("sf-bad", bad);
    };
    const become = (state) => {
      root.dataset.state = state;
      button.querySelector("span").textContent = state === "idle" ? "Start" : "Stop";
    };

    function draw(now, speeds, signs, provisional) {
      const style = getComputedStyle(root), context = timeline.getContext("2d");
      const scale = window.devicePixelRatio || 1;
      const width = timeline.clientWidth, height = timeline.clientHeight;
      timeline.width = width * scale;
      timeline.height = height * scale;
      context.scale(scale, scale);
      const x = (time) => width * (1 - (now - time) / SHOWN);
      context.font = "600 13px system-ui, sans-serif";
      for (const sign of provisional ? [...signs, provisional] : signs) {
        if (sign.stop < now - SHOWN) continue;
        const left = Math.max(0, x(sign.start)), right = Math.max(left + 3, x(sign.stop));
        context.fillStyle = style.getPropertyValue(sign.sure ? "--primary-500" : "--neutral-400");
        context.beginPath();
        context.roundRect(left, 10, right - left, 30, 6);
        context.globalAlpha = sign === provisional ? 0.55 : 1;
        context.fill();
        context.globalAlpha = 1;
        context.save();
        context.clip();
        context.fillStyle = "#fff";
        context.fillText(sign.sure ? sign.gloss : "?", left + 7, 30);
        context.restore();
      }
      context.strokeStyle = style.getPropertyValue("--neutral-400");
      context.lineWidth = 1.5;
      context.beginPath();
      for (const [time, speed] of speeds) {
        const y = height - 6 - (height - 52) * Math.min(1, speed / 1.5);
        context.lineTo(x(time), y);
      }
      context.stroke();
    }

    // What may still be withdrawn is shown as such; what was confirmed stays until the next sign.
    function tell(sign, provisional) {
      const now = at(".sf-now"), word = sign ? (sign.sure ? sign.gloss : "Not sure") : "";
      now.textContent = provisional ? `${word} …` : word;
      now.classList.toggle("sf-provisional", provisional);
      now.title = provisional ? "provisional: confirmed when the rest is one, withdrawn when the sign goes on" : "";
    }

    function log(sign, first, late) {
      const line = document.createElement("li"), word = document.createElement("span");
      const rest = document.createElement("small");
      word.textContent = sign.sure ? sign.gloss : `not sure (${sign.gloss}?)`;
      rest.textContent = `${Math.round(100 * sign.score)} %, ${sign.start.toFixed(1)} to ${sign.stop.toFixed(1)} s`;
      rest.title = `answered ${Math.round(1000 * first)} ms after its end, confirmed after ${Math.round(1000 * late)} ms`;
      line.append(word, rest);
      at(".sf-log").prepend(line);
      while (at(".sf-log").children.length > 50) at(".sf-log").lastChild.remove();
      tell(sign, false);
    }

    const middle = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

    async function look() {
      const mine = ++turn, id = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
      const zero = performance.now(), trips = [], firsts = [], lates = [];
      let speeds = [], signs = [], frames = [], provisional = null, said = null;
      while (running && mine === turn) {
        const scale = Math.min(1, 480 / Math.max(video.videoWidth, video.videoHeight, 1));
        canvas.width = Math.round(video.videoWidth * scale);
        canvas.height = Math.round(video.videoHeight * scale);
        canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
        const time = (performance.now() - zero) / 1000;
        const image = canvas.toDataURL("image/jpeg", 0.85);
        const answer = await server.look({ id, time, image });
        if (mine !== turn) return;
        if (answer.error) throw new Error(answer.error);
        const now = (performance.now() - zero) / 1000;
        trips.push(1000 * (now - time));
        frames.push(now);
        speeds.push([time, answer.speed]);
        for (const sign of answer.signs) {
          const first = provisional?.start === sign.start ? provisional.at : now;
          signs.push(sign);
          firsts.push(first - sign.stop);
          lates.push(now - sign.stop);
          log(sign, first - sign.stop, now - sign.stop);
          said = sign;
        }
        if (answer.provisional?.start !== provisional?.start || answer.provisional?.stop !== provisional?.stop) {
          provisional = answer.provisional && { ...answer.provisional, at: now };
          tell(provisional ?? said, provisional !== null);
        }
        if (trips.length > 30) trips.shift();
        frames = frames.filter((when) => when > now - 2);
        speeds = speeds.filter(([when]) => when > now - SHOWN);
        signs = signs.filter((sign) => sign.stop > now - SHOWN);
        draw(now, speeds, signs, provisional);
        root.dataset.frames = Number(root.dataset.frames || 0) + 1;
        at("[data-figure=rate]").textContent = `${(frames.length / Math.min(2, Math.max(now, 0.1))).toFixed(0)} pictures a second`;
        at("[data-figure=trip]").textContent = `${middle(trips).toFixed(0)} ms a picture`;
        if (lates.length) {
          at("[data-figure=late]").textContent = `from the end of a sign ${(1000 * middle(firsts)).toFixed(0)} ms to its answer, ${(1000 * middle(lates)).toFixed(0)} ms until it is confirmed`;
        }
        at("[data-figure=state]").textContent = answer.signing ? "Sees signing" : "Waits for a sign";
        await new Promise((next) => {
          const timer = setTimeout(next, 100);
          video.requestVideoFrameCallback?.(() => {
            clearTimeout(timer);
            next();
          });
        });
      }
    }

    function stop() {
      running = false;
      turn += 1;
      closeCamera(stream);
      stream = null;
      become("idle");
    }

    button.addEventListener("click", async () => {
      if (running) return stop();
      say("");
      try {
        stream = await openCamera();
        video.srcObject = stream;
        await video.play();
        running = true;
        become("live");
        await look();
      } catch (error) {
        stop();
        say(error.message, true);
      }
    });
    whenHidden(root, () => running && stop());
    become("idle");
  }

  return { live, camera, buttons, openCamera, closeCamera, whenHidden, wait };
})();
