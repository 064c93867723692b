/** Serves HTTP in the workers of a service manager: {@link dev.sennit.server.WebService}. */
@SuppressWarnings("module") // that of sennit-servlet is not there when this one is compiled
module dev.sennit.server {
    requires transitive dev.sennit;
    requires transitive jdk.httpserver;
    requires org.eclipse.jetty.alpn.server;
    requires org.eclipse.jetty.http2.server;
    requires org.eclipse.jetty.server;
    requires static org.jspecify;

    exports dev.sennit.server;
    exports dev.sennit.server.rest;
    exports dev.sennit.server.files to
            dev.sennit.server.servlet;
    exports dev.sennit.server.jetty to
            dev.sennit.server.servlet;

    uses dev.sennit.server.jetty.ApplicationKind;
}
