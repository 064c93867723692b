module background {
    requires dev.sennit;

    provides dev.sennit.PoolProvider with background.BackgroundPool.Provider;
}
