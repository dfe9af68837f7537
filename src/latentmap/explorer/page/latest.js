/*
 * A mouse moves faster than a model decodes. Requests that wait in a queue would show where the
 * mouse was; so only one runs at a time, and of those that come meanwhile only the newest is kept.
 */

/**
 * Give a function that runs `task` on its newest argument.
 * @template T
 * @param {function(T): Promise<void>} task
 * @returns {function(T): Promise<void>}
 */
function latestWins(task) {
  let busy = false;
  let waiting = null;
  return async function run(argument) {
    if (busy) {
      waiting = { argument };
      return;
    }
    busy = true;
    try {
      await task(argument);
    } finally {
      busy = false;
    }
    if (waiting) {
      const next = waiting.argument;
      waiting = null;
      await run(next);
    }
  };
}
