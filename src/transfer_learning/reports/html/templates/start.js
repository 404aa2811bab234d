startDetail();
startMap();
startGallery();
