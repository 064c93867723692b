package dev.sennit.observe;

/** Makes ready what views from outside need, when the first pool of this JVM is opened: {@code OpenPools} runs it. */
@SuppressWarnings("unused") // by name
final class FirstPool implements Runnable {
    FirstPool() {}

    @Override
    public void run() {}
}
