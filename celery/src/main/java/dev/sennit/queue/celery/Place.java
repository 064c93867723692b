package dev.sennit.queue.celery;

/** Where a message was taken from, and what it is: it goes back there, or is acknowledged there. */
interface Place {
    /** Returns kombu's name of the queue. */
    String queue();

    /** Returns where it was taken from, for people. */
    String shown();

    /** Returns the bytes, for the dead letters. */
    byte[] raw();

    /**
     * Reads the message.
     *
     * @throws UnreadableException if it is none
     */
    Message message();
}
