// "Guess first": the answer to an example stays covered until the visitor has guessed, and both are counted.

export class Guessing {
  constructor(place, revealed) {
    Object.assign(this, { place, revealed, on: false, visitor: 0, model: 0, asked: 0 });
  }

  switch(on) {
    this.on = on;
    if (!on) this.show();
  }

  // Covers the card if an example was asked about; returns whether it did.
  hide(finding, isExample, answer) {
    if (!this.on || !isExample) return false;
    const card = this.place.querySelector(".verdict");
    const label = card?.querySelector(".label b")?.textContent ?? "";
    const without = Object.keys(answer.probabilities)[0]; // the label of an image without the finding
    const truth = label !== without && !label.startsWith("no ");
    card.hidden = true;
    const question = document.createElement("div");
    question.className = "guess-question";
    const words = document.createElement("p");
    words.textContent = `Your guess: is it ${finding}?`;
    question.append(words);
    for (const [text, guess] of [[`Yes, ${finding}`, true], ["No", false]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => this.guessed(guess, truth, answer));
      question.append(button);
    }
    this.place.append(question);
    return true;
  }

  guessed(guess, truth, answer) {
    this.asked += 1;
    this.visitor += Number(guess === truth);
    this.model += Number(answer.positive === truth);
    this.show();
    const score = document.createElement("p");
    score.className = "score";
    score.textContent = `You ${guess === truth ? "were right" : "were wrong"}. Right so far: you ${this.visitor} of ${this.asked}, the model ${this.model} of ${this.asked}.`;
    this.place.querySelector(".verdict").prepend(score);
    this.revealed();
  }

  show() {
    this.place.querySelector(".guess-question")?.remove();
    const card = this.place.querySelector(".verdict");
    if (card) card.hidden = false;
  }
}
