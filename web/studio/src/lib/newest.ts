/** `take` gets the answers to what is asked again and again, in the order of asking: one that comes after the answer to a later asking says
 *  nothing any more. A signal that is aborted ends it: what was asked for is not looked at any more. */
export function newest<T>(take: (answer: T) => void): (asking: Promise<T>, signal?: AbortSignal) => Promise<void> {
  let asked = 0;
  let answered = 0;
  return async (asking, signal) => {
    const mine = ++asked;
    const isOld = () => mine < answered || signal?.aborted === true;
    try {
      const answer = await asking;
      if (isOld()) return;
      answered = mine;
      take(answer);
    } catch (error) {
      if (!isOld()) throw error;
    }
  };
}
