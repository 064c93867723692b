module app {
    requires dev.sennit;
}
