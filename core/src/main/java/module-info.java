/**
 * Sennit: java.util.concurrent for every execution unit. {@link dev.sennit.Pools} is the way in.
 */
module dev.sennit {
    requires static java.instrument;
    requires java.management;
    requires static jdk.jfr;
    requires static org.jspecify;

    exports dev.sennit;
    exports dev.sennit.loop;
    exports dev.sennit.manager;
    exports dev.sennit.observe;
    exports dev.sennit.pipe;
    exports dev.sennit.process;
    exports dev.sennit.service;
    exports dev.sennit.shared;
    exports dev.sennit.testing;
    exports dev.sennit.testing.server;

    uses dev.sennit.PoolProvider;

    provides dev.sennit.PoolProvider with
            dev.sennit.InlinePool.Provider,
            dev.sennit.ThreadPool.Provider,
            dev.sennit.VirtualPool.Provider,
            dev.sennit.loop.EventLoop.Provider,
            dev.sennit.process.ProcessPool.Provider;
}
