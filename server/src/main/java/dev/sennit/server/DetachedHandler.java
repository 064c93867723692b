package dev.sennit.server;

/** Makes a response that takes longer than requests may; see {@link WebResponse#detached}. */
@FunctionalInterface
public interface DetachedHandler {
    /**
     * Makes the response. Called once, in a virtual thread.
     *
     * @param answer tells when to end
     * @return the response; it may be a {@linkplain WebResponse#stream stream}, whose writer runs in the same thread
     * @throws Exception which is logged, and answered with 500
     * @throws InterruptedException if the limits are over
     */
    WebResponse handle(Detached answer) throws Exception;
}
