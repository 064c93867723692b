/** Serves HTTP in the workers of a service manager: {@link dev.sennit.server.WebService}. */
module dev.sennit.server {
    requires transitive dev.sennit;
    requires transitive jdk.httpserver;
    requires org.eclipse.jetty.alpn.server;
    requires org.eclipse.jetty.http2.server;
    requires org.eclipse.jetty.server;
    requires static org.jspecify;

    exports dev.sennit.server;
}
