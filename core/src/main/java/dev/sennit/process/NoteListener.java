package dev.sennit.process;

/** Gets the notes that a {@link WorkerProcess} sends, see {@link WorkerProcess.Builder#onNote}. */
@FunctionalInterface
public interface NoteListener {
    /**
     * Called for each note, in the order in which they were sent, by the one thread that watches the process. Should
     * return soon: the next note waits for it, and so does the process's {@linkplain WorkerProcess#onExit end}. What it
     * throws is logged.
     *
     * @param process who sent it
     * @param note what it sent, an array of the listener's own
     */
    void note(WorkerProcess process, byte[] note);
}
